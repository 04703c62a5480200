-- For wrk: posts the requests of a file in turn, a line each (token, tab, body), and reports as one line of JSON.
-- `wrk … URL -- FILE [checked]`; checked looks into every answer, which costs wrk some microseconds a request.

local requests, place, threads = {}, 0, {}
failed, example = 0, ""

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  for line in io.lines(args[1]) do
    local token, body = line:match("^([^\t]*)\t(.*)$")
    local headers = {
      ["authorization"] = "Bearer " .. token,
      ["content-type"] = "application/json",
      ["accept"] = "application/graphql-response+json",
    }
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
  if args[2] == "checked" then
    response = function(status, _, body)
      if status ~= 200 or body:sub(1, 7) ~= '{"data"' or body:find('"errors"', 1, true) then
        failed, example = failed + 1, status .. " " .. body:sub(1, 300)
      end
    end
  end
end

function request()
  place = place % #requests + 1
  return requests[place]
end

function done(summary, latency)
  local failures, text = 0, ""
  for _, thread in ipairs(threads) do
    failures = failures + thread:get("failed")
    text = thread:get("example")
  end
  for _, count in pairs(summary.errors) do
    failures = failures + count
  end
  text = text:gsub('[%c"\\]', " ")
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"bytes":%d,"failures":%d,"p50":%d,"p99":%d,"example":"%s"}\n',
    summary.requests, summary.duration, summary.bytes, failures, latency:percentile(50), latency:percentile(99), text
  ))
end
