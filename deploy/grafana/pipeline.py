"""The dashboard *Pipeline*: from the reader to the count, and from the article to its page."""

from deploy.grafana.board import Dashboard, LabelVariable, Row
from deploy.grafana.pipeline_counting import COUNT_PANELS, RIGHT_PANELS
from deploy.grafana.pipeline_delivery import FRESH_PANELS, PARKED_PANELS, WAITS_PANELS
from deploy.grafana.pipeline_figures import FIGURES_PANELS

PIPELINE = Dashboard(
    "pipeline",
    "From the reader to the count, and from the article to its page.",
    (LabelVariable("instance", "Replica", 'luotdoc_ready{service=~"ingest|counter"}', "instance"),),
    (
        Row("Is the count right?", RIGHT_PANELS),
        Row("From the reader to the count", COUNT_PANELS),
        Row("From the count to the figures", FIGURES_PANELS),
        Row("What waits while a server is away", WAITS_PANELS),
        Row("Queues, and messages set aside", PARKED_PANELS),
        Row("Articles and events: how fresh", FRESH_PANELS),
    ),
)
