"""Every metric of the system, once, with its meaning. No article id is ever a label."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000)

# every service
BROKER_UP = Gauge("luotdoc_broker_up", "1 while this process has a working connection to RabbitMQ.")
READY = Gauge("luotdoc_ready", "1 while /readyz answers 200.")
HTTP_REQUESTS = Counter("luotdoc_http_requests_total", "HTTP answers of the APIs.", ["method", "status"])
HTTP_SECONDS = Histogram("luotdoc_http_seconds", "Seconds to answer a request of the APIs.", buckets=_SECONDS)

# consumers of events
CONSUMED = Counter(
    "luotdoc_consumed_total",
    "Messages settled, by queue and outcome: handled, stale, ignored (not asked for), "
    "retried (put aside for a while), parked.",
    ["queue", "outcome"],
)
CONSUME_RETRIES = Counter("luotdoc_consume_retries_total", "Attempts that failed and were repeated.", ["queue"])
CONSUME_AGE_SECONDS = Histogram(
    "luotdoc_consume_age_seconds",
    "Seconds from an event's time to the end of its handling. Replayed events are left out.",
    ["queue"],
    buckets=(*_SECONDS, 60, 300, 1800, 3600, 21600, 86400),
)
QUEUE_WAITING = Gauge(
    "luotdoc_queue_waiting",
    "Messages that wait in a work queue, its retry queues and its parked queue; NaN while RabbitMQ is away.",
    ["queue"],
)
PARKED_OLDEST_SECONDS = Gauge(
    "luotdoc_parked_oldest_seconds",
    "Age of the oldest message of a parked queue, under its reason; no series while nothing is parked.",
    ["queue", "reason"],
)
PARKED = Counter("luotdoc_parked_total", "Messages parked, by queue and reason.", ["queue", "reason"])
EVENTS_PUBLISHED = Counter("luotdoc_events_published_total", "Events confirmed by RabbitMQ.", ["event"])
EVENTS_UNROUTED = Counter("luotdoc_events_unrouted_total", "Informational events that no queue wanted.", ["event"])

# ingest: articles
OUTBOX_WAITING = Gauge("luotdoc_outbox_waiting", "Events that are committed and not yet confirmed by RabbitMQ.")
OUTBOX_OLDEST_SECONDS = Gauge("luotdoc_outbox_oldest_seconds", "Age of the oldest waiting event, 0 if none.")
OUTBOX_FAILURES = Counter("luotdoc_outbox_failures_total", "Relay rounds that failed and will be repeated.")
RECONCILIATION_DIFFERENCES = Gauge(
    "luotdoc_reconciliation_differences",
    "Articles that a subscriber holds otherwise than they are, by kind: missing, stale, extra; as of the next metric.",
    ["subscriber", "kind"],
)
RECONCILIATION_AS_OF = Gauge(
    "luotdoc_reconciliation_as_of_seconds",
    "Unix time at which a subscriber was last compared with the articles; 0 before the first time.",
    ["subscriber"],
)

# ingest: reads
READS = Counter(
    "luotdoc_reads_total",
    "Answers of the read beacon, by outcome: counted, reload, bot, unknown, invalid, unavailable.",
    ["outcome"],
)
READ_BATCHES = Counter("luotdoc_read_batches_total", "Batches made durable, by way: confirmed or spooled.", ["way"])
READ_BATCH_SIZE = Histogram("luotdoc_read_batch_size", "Reads in a batch.", buckets=_SIZES)
READ_CONFIRM_SECONDS = Histogram(
    "luotdoc_read_confirm_seconds", "Seconds from sending a batch to its confirm.", buckets=_SECONDS
)
KNOWN_ARTICLES = Gauge("luotdoc_known_articles", "Published articles that the beacon knows from memory.")
SPOOL_BYTES = Gauge("luotdoc_spool_bytes", "Bytes of batches on local disk that wait for RabbitMQ.")
SPOOL_OLDEST_SECONDS = Gauge("luotdoc_spool_oldest_seconds", "Age of the oldest spooled batch, 0 if none.")
SPOOL_BESIDE_BYTES = Gauge(
    "luotdoc_spool_beside_bytes", "Bytes in the spools of other instances under the same directory."
)
SPOOL_FORWARDED = Counter("luotdoc_spool_forwarded_total", "Spooled batches that RabbitMQ has confirmed.")

# render
PAGES = Counter("luotdoc_pages_total", "Page answers, by kind and status.", ["kind", "status"])
RENDER_SECONDS = Histogram("luotdoc_render_seconds", "Seconds to render and store one page.", buckets=_SECONDS)
FRESHNESS_SECONDS = Histogram(
    "luotdoc_publish_to_served_seconds",
    "Seconds from an article's event to its served page. Replayed events are left out.",
    buckets=_SECONDS,
)

# counter
COUNTED = Counter("luotdoc_counted_reads_total", "Reads committed to MongoDB by this process.")
FLUSHES = Counter(
    "luotdoc_flushes_total",
    "Flushes by outcome: committed, failed (to be tried again), conflict (run again by itself).",
    ["outcome"],
)
FLUSH_SECONDS = Histogram(
    "luotdoc_flush_seconds", "Seconds of one flush, look into the ledger to commit.", buckets=_SECONDS
)
FLUSH_READS = Histogram("luotdoc_flush_reads", "Reads in one flush.", buckets=_SIZES)
DUPLICATE_BATCHES = Counter("luotdoc_duplicate_batches_total", "Batches that the ledger held already.")
DISCARDED_BATCHES = Counter(
    "luotdoc_discarded_batches_total", "Batches thrown away unacked with a lost channel; they come back."
)
BUFFERED_READS = Gauge("luotdoc_buffered_reads", "Reads folded in memory that wait for a flush.")
SLOT = Gauge("luotdoc_counter_slot", "The slot that this counter leases, -1 without a lease.")

# stats: the books, refreshed every 5 seconds; accepted = counted + filtered + parked
BOOKS_ACCEPTED = Gauge("luotdoc_books_accepted_reads", "Reads in the batches that were counted or parked.")
BOOKS_COUNTED = Gauge("luotdoc_books_counted_reads", "Reads in the counts.")
BOOKS_FILTERED = Gauge("luotdoc_books_filtered_reads", "Reads filtered by ingest, by reason.", ["reason"])
BOOKS_PARKED = Gauge("luotdoc_books_parked_reads", "Reads in parked batches.")
BOOKS_IN_FLIGHT = Gauge("luotdoc_books_in_flight_batches", "Batches missing in the sequences of ingest.")
BOOKS_ENDED_GAPS = Gauge("luotdoc_books_ended_gap_batches", "Those among them whose ingest was not seen for a minute.")
BOOKS_BALANCE = Gauge("luotdoc_books_balance_reads", "accepted - counted - filtered - parked: always 0.")
BOOKS_DUPLICATES = Gauge("luotdoc_books_duplicate_batches", "Batches that came again and were not counted.")
BOOKS_COMPLETE_THROUGH = Gauge(
    "luotdoc_books_complete_through_seconds",
    "Unix time before which every accepted read is counted; NaN while no ingest gets through.",
)
BOOKS_AS_OF = Gauge("luotdoc_books_as_of_seconds", "Unix time at which the books were last read.")

# stats: heartbeats
EVENT_SILENCE = Gauge(
    "luotdoc_event_silence_seconds",
    "Seconds since a heartbeat for this type of event last came in, or since this process began to listen.",
    ["event"],
)
