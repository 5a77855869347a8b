-- Reads for wrk: `wrk -s reads.lua URL -- FIRST AGENTS ARTICLES`.
-- Read number n comes from browser n mod AGENTS and is of the next article after each round of browsers, so that no
-- visitor reads an article twice within AGENTS * ARTICLES reads. FIRST goes on where an earlier run ended.

local heads, bodies, at, agents, articles = {}, {}, 0, 0, 0

function init(args)
  at, agents, articles = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
  local host = wrk.host .. ":" .. wrk.port
  for n = 0, agents - 1 do
    local agent = string.format(
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/537.36",
      100 + n % 40, 5000 + math.floor(n / 40), n)
    heads[n] = "POST /reads HTTP/1.1\r\nHost: " .. host .. "\r\nUser-Agent: " .. agent
      .. "\r\nAccept: */*\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: 20\r\n\r\n"
  end
  for n = 0, articles - 1 do
    bodies[n] = string.format('{"article":"a%05d"}', n)
  end
end

function request()
  local n = at
  at = n + 1
  return heads[n % agents] .. bodies[math.floor(n / agents) % articles]
end

function done(summary, latency)
  local e = summary.errors
  print(string.format(
    '{"requests": %d, "microseconds": %d, "errors": %d, "statuses": %d, "p50": %d, "p99": %d}',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout, e.status,
    latency:percentile(50), latency:percentile(99)))
end
