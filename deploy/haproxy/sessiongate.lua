-- Asks sessiongate about a request: `http-request lua.sessiongate`. Whatever goes wrong is a denial.

local url = os.getenv("SESSIONGATE_URL") or "http://127.0.0.1:9192/auth"
local told = {}
for name in string.gmatch(os.getenv("SESSIONGATE_HEADERS") or "x-auth-user-id", "[^,%s]+") do
  told[#told + 1] = string.lower(name)
end

-- What belongs to a connection, or is said below.
local dropped = {
  ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true, ["keep-alive"] = true,
  ["te"] = true, ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
  ["x-forwarded-for"] = true, ["x-forwarded-host"] = true, ["x-forwarded-method"] = true,
  ["x-forwarded-proto"] = true, ["x-forwarded-uri"] = true,
  ["x-original-method"] = true, ["x-original-url"] = true,
}

local function question(txn)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    if not dropped[name] then
      headers[name] = {}
      for at = 0, #values do headers[name][at + 1] = values[at] end
    end
  end
  headers["x-forwarded-method"] = { txn.f:method() }
  headers["x-forwarded-uri"] = { txn.f:pathq() }
  headers["x-forwarded-host"] = { txn.f:req_hdr("host") }
  headers["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" }
  headers["x-forwarded-for"] = { txn.f:src() }
  return headers
end

local function deny(txn, status, headers, body)
  local reply = txn:reply { status = status }
  for name, values in pairs(headers or {}) do
    if not dropped[name] then
      for at = 0, #values do
        if values[at] then reply:add_header(name, values[at]) end
      end
    end
  end
  if body then reply:set_body(body) end
  txn:done(reply)
end

core.register_action("sessiongate", { "http-req" }, function(txn)
  local answer = core.httpclient():get { url = url, headers = question(txn), timeout = 2000 }
  if not answer or not answer.status or answer.status == 0 then
    return deny(txn, 503, { ["retry-after"] = { [0] = "1" } })
  end
  if answer.status ~= 200 then
    return deny(txn, answer.status, answer.headers, answer.body)
  end
  for _, name in ipairs(told) do
    txn.http:req_del_header(name)
    local values = answer.headers[name]
    if values and values[0] and values[0] ~= "" then txn.http:req_add_header(name, values[0]) end
  end
end, 0)
