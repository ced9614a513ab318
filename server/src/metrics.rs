//! Counters for the operator, in the Prometheus text format.
//!
//! Labels are routes, status classes and reasons: small fixed sets. Nothing here is per visitor,
//! per item or per address.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the latency histogram, in seconds: a cached file is below the first, a
/// flush on a slow disk near the last.
const LATENCY_BOUNDS: [f64; 10] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
];

/// Which requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The route's pattern, such as `/bundles/{sha256}`, or `site`.
    pub route: String,
    /// `2xx`, `3xx`, `4xx` or `5xx`.
    pub status: &'static str,
}

/// Which route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabel {
    /// The route's pattern.
    pub route: String,
}

/// Why reports were refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// The last part of the problem's type, such as `body-too-long`.
    pub reason: &'static str,
}

/// Every counter of the server.
pub struct Metrics {
    registry: Registry,
    /// Requests answered.
    pub requests: Family<RequestLabels, Counter>,
    /// Seconds from a request's head to its answer's.
    pub latency: Family<RouteLabel, Histogram>,
    /// Reports stored.
    pub accepted: Counter,
    /// Reports that were stored before.
    pub duplicate: Counter,
    /// Reports refused.
    pub rejected: Family<ReasonLabel, Counter>,
    /// Transactions that stored reports.
    pub commits: Counter,
    /// Reports that wait for the disk.
    pub queued: Gauge,
    /// Version of the current manifest, 0 when there is none.
    pub manifest_version: Gauge,
    /// Closed windows whose raw cells still wait for `vitrine-server release`.
    pub windows_awaiting_release: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("vitrine");
        let requests = Family::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        let latency = Family::<RouteLabel, Histogram>::new_with_constructor(|| {
            Histogram::new(LATENCY_BOUNDS)
        });
        registry.register(
            "http_request_seconds",
            "Seconds from a request's head to its answer's",
            latency.clone(),
        );
        let accepted = Counter::default();
        registry.register(
            "feedback_accepted",
            "Reports stored on the disk",
            accepted.clone(),
        );
        let duplicate = Counter::default();
        registry.register(
            "feedback_duplicate",
            "Reports that were stored before",
            duplicate.clone(),
        );
        let rejected = Family::default();
        registry.register("feedback_rejected", "Reports refused", rejected.clone());
        let commits = Counter::default();
        registry.register(
            "feedback_commits",
            "Transactions that stored reports, or failed to",
            commits.clone(),
        );
        let queued = Gauge::default();
        registry.register(
            "feedback_queued",
            "Reports that wait for the disk",
            queued.clone(),
        );
        let manifest_version = Gauge::default();
        registry.register(
            "manifest_version",
            "Version of the current manifest, 0 when there is none",
            manifest_version.clone(),
        );
        let windows_awaiting_release = Gauge::default();
        registry.register(
            "windows_awaiting_release",
            "Closed windows whose raw cells wait for a release",
            windows_awaiting_release.clone(),
        );
        Self {
            registry,
            requests,
            latency,
            accepted,
            duplicate,
            rejected,
            commits,
            queued,
            manifest_version,
            windows_awaiting_release,
        }
    }
}

impl Metrics {
    /// Counts a refused report.
    pub fn reject(&self, reason: &'static str) {
        self.rejected.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// All of them as text.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
