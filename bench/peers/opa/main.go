// OPA as a library behind the least ext_authz door on Envoy's messages: the policy is compiled once, and every
// CheckRequest becomes its input in the form that OPA-Envoy's documentation gives.
//
//	opa ADDRESS POLICY SECRET
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	envoyauth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type service struct {
	envoyauth.UnimplementedAuthorizationServer
	policy rego.PreparedEvalQuery
}

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("say where to listen and what to ask: opa 127.0.0.1:9191 policy.rego SECRET"))
	}
	policy, err := prepare(os.Args[2], os.Args[3])
	fail(err)
	listener, err := net.Listen("tcp", os.Args[1])
	fail(err)
	server := grpc.NewServer()
	envoyauth.RegisterAuthorizationServer(server, &service{policy: policy})
	fail(server.Serve(listener))
}

func prepare(file, secret string) (rego.PreparedEvalQuery, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return rego.PreparedEvalQuery{}, err
	}
	return rego.New(
		rego.Query("data.envoy.authz.allow"),
		rego.Module(file, string(text)),
		rego.Store(inmem.NewFromObject(map[string]any{"session": map[string]any{"secret": secret}})),
	).PrepareForEval(context.Background())
}

func (s *service) Check(ctx context.Context, request *envoyauth.CheckRequest) (*envoyauth.CheckResponse, error) {
	found, err := s.policy.Eval(ctx, rego.EvalInput(input(request)))
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	code := codes.PermissionDenied
	if found.Allowed() {
		code = codes.OK
	}
	return &envoyauth.CheckResponse{Status: &rpcstatus.Status{Code: int32(code)}}, nil
}

// input has what a policy on paths, methods and headers reads.
func input(request *envoyauth.CheckRequest) map[string]any {
	http := request.GetAttributes().GetRequest().GetHttp()
	headers := make(map[string]any, len(http.GetHeaders()))
	for name, value := range http.GetHeaders() {
		headers[name] = value
	}
	path, query, _ := strings.Cut(http.GetPath(), "?")
	segments := []any{}
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		segments = append(segments, segment)
	}
	asked := map[string]any{
		"method": http.GetMethod(), "scheme": http.GetScheme(), "host": http.GetHost(),
		"path": http.GetPath(), "protocol": http.GetProtocol(), "headers": headers,
	}
	return map[string]any{
		"attributes":   map[string]any{"request": map[string]any{"http": asked}},
		"parsed_path":  segments,
		"parsed_query": query,
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "opa:", err)
		os.Exit(1)
	}
}
