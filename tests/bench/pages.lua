-- The summary of a run of wrk in the form that tests/bench/rig.py reads.
function done(summary, latency)
  local e = summary.errors
  print(string.format(
    '{"requests": %d, "microseconds": %d, "errors": %d, "statuses": %d, "p50": %d, "p99": %d}',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout, e.status,
    latency:percentile(50), latency:percentile(99)))
end
