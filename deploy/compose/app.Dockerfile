# examples/authjs-express, for compose.yaml; that folder is the context.
FROM node:24.20.0-trixie-slim
WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY *.mjs *.js style.css ./
USER 1000:1000
EXPOSE 3000
CMD ["node", "server.mjs"]
