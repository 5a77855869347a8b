-- Reads for wrk: `wrk -s reads.lua URL -- FIRST AGENTS ARTICLES KIND`.
-- Read number n comes from browser n mod AGENTS, at an address of its own behind a proxy, and is of the next article
-- after each round of browsers, so that no visitor reads an article twice within AGENTS * ARTICLES reads. FIRST goes on
-- where an earlier run ended. KIND `new`: no user agent comes twice; `bots`: they call themselves so; `crowd`: all of
-- them have one address; else `readers`.

local heads, bodies, at, agents, articles, kind = {}, {}, 0, 0, 0, "readers"
local ends = "\r\nOrigin: https://portal.example\r\nSec-Fetch-Site: same-origin\r\nAccept: */*\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: 20\r\n\r\n"

local function agent(n)
  local minor = string.format("%d.0.%d.%d", 100 + n % 40, 5000 + math.floor(n / 40), n)
  if kind == "bots" then
    return "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/" .. minor .. " Safari/537.36"
  end
  return "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" .. minor
    .. " Safari/537.36"
end

function init(args)
  at, agents, articles, kind = tonumber(args[1]), tonumber(args[2]), tonumber(args[3]), args[4]
  local start = "POST /reads?referrer=https%3A%2F%2Fwww.google.com HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\nX-Forwarded-For: 198."
  for n = 0, agents - 1 do
    local address = kind == "crowd" and "18.0.1" or string.format("18.%d.%d", math.floor(n / 250), 1 + n % 250)
    heads[n] = start .. address .. "\r\nUser-Agent: "
    if kind ~= "new" then
      heads[n] = heads[n] .. agent(n) .. ends
    end
  end
  for n = 0, articles - 1 do
    bodies[n] = string.format('{"article":"a%05d"}', n)
  end
end

function request()
  local n = at
  at = n + 1
  if kind == "new" then
    return heads[n % agents] .. agent(n) .. ends .. bodies[math.floor(n / agents) % articles]
  end
  return heads[n % agents] .. bodies[math.floor(n / agents) % articles]
end

function done(summary, latency)
  local e = summary.errors
  print(string.format(
    '{"requests": %d, "microseconds": %d, "errors": %d, "statuses": %d, "p50": %d, "p99": %d}',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout, e.status,
    latency:percentile(50), latency:percentile(99)))
end
