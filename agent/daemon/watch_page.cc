// Looks at pages in Prometheus's text format.
#include "agent/collectors/connect/connect.h"
#include "agent/collectors/prometheus/page_target.h"
#include "agent/daemon/watch_internal.h"
#include "agent/world/real/clock.h"

namespace medic::watch {
namespace {

// A full JMX page of a busy broker takes 0.3–2.2 s.
constexpr Duration page_timeout{8'000};
constexpr std::size_t page_bytes_max = 64 * 1024 * 1024;
// Pages speak of brokers and workers that the others must have found first.
constexpr Duration pages_after{1'500};
// A page whose owner was not known yet is asked for again soon, and then only at its interval: pages are dear.
constexpr Duration owner_retry{2'000};
constexpr int owner_retries_max = 3;
// Where no interval is given, a page that is answered quickly is read this often. The agent pays for each one, too: of
// all pages together it reads no more than two a second for that.
constexpr Duration cheap_interval{10'000}, cheap_apart{500};

class Page : public Watched {
public:
    Page(const Watcher::Parts& parts, const ClusterConfig& cluster, const PageConfig& config, std::string name)
        : Watched(parts), cluster_(cluster), config_(config), target_(std::move(name), PageOwner{}) {
        target_.set_owner(owner());
    }

    bool look(FetchRequest::Standing standing, Done done) override {
        fetch(standing, std::move(done));
        return true;
    }

    // By the canonical names' first word: whose page tells such series.
    bool tells(const FactKey& fact) const override {
        if (fact.subject.cluster != cluster_.name) return false;
        for (const auto& [series, kind] :
             {std::pair{"connect_", "connect-"}, {"kafka_", "kafka-"}, {"flink_", "flink-"}})
            if (fact.name.starts_with(series)) return config_.kind.starts_with(kind);
        return false;
    }

private:
    void fetch(FetchRequest::Standing standing, Done done) {
        const Now now = read_clock();
        FetchRequest request{
            .url = config_.url, .cluster = cluster_.name, .timeout = page_timeout, .body_bytes_max = page_bytes_max};
        request.headers = {{"Accept", "text/plain;version=0.0.4"}};
        request.standing = standing;
        parts_.fetcher.fetch(
            std::move(request), [this, now, standing, done = std::move(done)](Result<FetchReply> reply) {
                parts_.ingest.post_waiting([this, now, standing, done, answer = answer_of(std::move(reply))] {
                    const auto outcome = read(answer, now.wall);
                    const bool again = target_.lacks_owner() && ++owner_retries_ <= owner_retries_max;
                    parts_.reactor.post([this, again, standing, done, end = LookEnd{now.monotonic, outcome}] {
                        if (done) done(end);
                        if (again) parts_.reactor.after(owner_retry, [this, standing] { fetch(standing, {}); });
                    });
                });
            });
    }

    LookSchedule::Outcome read(const Result<HttpAnswer>& answer, WallTime at) {
        if (const auto version = parts_.knowledge.links_version(); version != links_version_) {
            links_version_ = version;
            target_.set_owner(owner());
        }
        ScrapeBatch batch = target_.read(answer, parts_.knowledge.series(), at);
        const bool failed = batch.outcome == ScrapeOutcome::failed;
        parts_.knowledge.apply(cluster_.name, std::move(batch));
        return failed ? LookSchedule::Outcome::failed : LookSchedule::Outcome::answered;
    }

    [[nodiscard]] PageOwner owner() const {
        const NodeLink link = parts_.knowledge.link(cluster_.name, config_.node);
        const NodeConfig* node = cluster_.node(config_.node);
        PageOwner owner{.cluster = cluster_.name,
                        .node = config_.node,
                        .role = node != nullptr ? node->role : "",
                        .broker = link.broker,
                        .worker = link.worker,
                        .taskmanager = link.taskmanager,
                        .watched = watched_kinds(cluster_)};
        if (config_.kind == "connect-worker" && owner.worker.empty() && cluster_.connect_urls.size() == 1)
            owner.worker = authority_of(cluster_.connect_urls[0]);
        if (node == nullptr || node->driver.can("status")) owner.watched.insert("process");
        return owner;
    }

    const ClusterConfig& cluster_;
    const PageConfig& config_;
    PageTarget target_;
    std::uint64_t links_version_ = 0;
    int owner_retries_ = 0;  // With the ingest thread.
};

}  // namespace

std::vector<Planned> page_targets(const Watcher::Parts& parts, const ClusterConfig& cluster) {
    std::vector<Planned> all;
    std::int64_t pages = 0;
    for (const ClusterConfig& each : parts.config.clusters) pages += std::ssize(each.pages);
    const Duration cheap = std::max(cheap_interval, pages * cheap_apart);
    for (const PageConfig& config : cluster.pages) {
        const std::string name =
            cluster.name + "/" + (config.node.empty() ? authority_of(config.url) : config.node) + "/metrics";
        parts.knowledge.expect(name, cluster.name, config.interval);
        all.push_back({{.name = name,
                        .kind = "page",
                        .interval = config.interval,
                        .first_after = pages_after,
                        .interval_min = config.interval_given ? Duration{0} : cheap},
                       std::make_unique<Page>(parts, cluster, config, name)});
    }
    return all;
}

}  // namespace medic::watch
