// Looks at what answers over HTTP and is asked question after question: Flink, Connect, Prometheus servers, sidecars.
#include <algorithm>
#include <deque>
#include <filesystem>

#include "agent/collectors/alertmanager/silences.h"
#include "agent/collectors/connect/connect.h"
#include "agent/collectors/flink/flink.h"
#include "agent/collectors/flink/flink_logs.h"
#include "agent/collectors/node/node_collector.h"
#include "agent/collectors/prometheus/server.h"
#include "agent/daemon/watch_internal.h"
#include "agent/world/real/clock.h"

namespace medic::watch {
namespace {

// A REST answer later than this is none: three looks of the fastest default interval.
constexpr Duration rest_timeout{3'000};
// A file may be long.
constexpr Duration file_timeout{10'000};
// What is still to be asked by then is not asked in this look.
constexpr Duration look_max{10'000};
// So many answers that did not come in time, and the look asks no further.
constexpr int unanswered_max = 3;
// How often an Alertmanager is asked: guard_silences_age_max (remediations/guards) is four of these.
constexpr Duration silences_every{15'000};
// How often a Prometheus server is asked: its own usual scrape interval.
constexpr Duration prometheus_every{15'000};

// reactor (slot) → ingest (begin) → reactor (fetch) → ingest (answer, which may ask more) → … → ingest (finish, apply)
// → reactor (done). `standing_` and `done_` are set before the look begins; all else belongs to the ingest thread.
class Rest : public Watched {
public:
    Rest(const Watcher::Parts& parts, std::string cluster, std::unique_ptr<HttpCollector> collector)
        : Watched(parts), cluster_(std::move(cluster)), collector_(std::move(collector)) {}

    bool look(FetchRequest::Standing standing, Done done) override {
        standing_ = standing;
        done_ = std::move(done);
        return parts_.ingest.post([this] {
            const Now now = read_clock();
            began_ = now.monotonic;
            unanswered_ = 0;
            ask(collector_->begin(now.wall));
        });
    }

private:
    void ask(std::vector<HttpAsk> asks) {
        if (!asks.empty() && (unanswered_ >= unanswered_max || read_clock().monotonic - began_ > look_max))
            give_up(std::move(asks));
        else
            send(std::move(asks));
        if (open_ == 0) finish();
    }

    void send(std::vector<HttpAsk> asks) {
        if (asks.empty()) return;
        open_ += asks.size();
        parts_.reactor.post([this, asks = std::move(asks)] {
            for (const HttpAsk& one : asks) {
                FetchRequest request{.url = one.url, .cluster = cluster_, .timeout = rest_timeout};
                request.standing = standing_;
                request.body_tail_bytes = one.tail_bytes;
                if (one.bytes_max > 0) {
                    request.body_bytes_max = one.bytes_max;
                    request.timeout = file_timeout;
                }
                if (one.timeout > Duration{0}) request.timeout = one.timeout;
                parts_.fetcher.fetch(std::move(request), [this, one](Result<FetchReply> reply) {
                    parts_.ingest.post_waiting(
                        [this, one, answer = answer_of(std::move(reply))] { answered(one, answer); });
                });
            }
        });
    }

    void answered(const HttpAsk& one, const Result<HttpAnswer>& answer) {
        if (!answer && answer.error().code != ErrorCode::invalid) ++unanswered_;
        auto more = collector_->answer(one, answer);
        --open_;
        ask(std::move(more));
    }

    // The collector learns that there is no answer, and may ask on: nothing of that leaves any more.
    void give_up(std::vector<HttpAsk> asks) {
        const Result<HttpAnswer> none =
            fail(ErrorCode::unavailable, "not asked: too much of this look went without an answer");
        constexpr int rounds_max = 64;
        for (int round = 0; round < rounds_max && !asks.empty(); ++round) {
            std::vector<HttpAsk> next;
            for (const HttpAsk& one : asks)
                for (HttpAsk& more : collector_->answer(one, none)) next.push_back(std::move(more));
            asks = std::move(next);
        }
    }

    void finish() {
        Observation observation = collector_->finish();
        const auto outcome = observation.outcome == ScrapeOutcome::failed || unanswered_ >= unanswered_max
                                 ? LookSchedule::Outcome::failed
                                 : LookSchedule::Outcome::answered;
        parts_.knowledge.apply(std::move(observation));
        parts_.reactor.post([this, end = LookEnd{began_, outcome}] { done_(end); });
    }

    const std::string cluster_;
    std::unique_ptr<HttpCollector> collector_;
    FetchRequest::Standing standing_ = FetchRequest::Standing::healthy;
    Done done_;
    Instant began_;
    std::size_t open_ = 0;
    int unanswered_ = 0;
};

std::string target_name(const std::string& cluster, const std::string& what, const std::string& address,
                        std::size_t of) {
    return cluster + "/" + what + (of > 1 ? "/" + address : "");
}

std::unique_ptr<HttpCollector> flink(const Knowledge& knowledge, const ClusterConfig& cluster, const std::string& url) {
    FlinkCollectorOptions options{
        .cluster = cluster.name,
        .url = url,
        .target = target_name(cluster.name, "flink", authority_of(url), cluster.flink_urls.size()),
        .flink = cluster.flink_urls.size() > 1 ? authority_of(url) : ""};
    for (const DeploymentConfig& deployment : cluster.deployments)
        for (const DeploymentVersion& version : deployment.versions)
            options.artifacts[deployment.job][version.id] = std::filesystem::path(version.artifact).filename().string();
    for (const auto& [key, run] : knowledge.job_runs())
        if (key.first == cluster.name) options.earlier[key.second] = run;
    return std::make_unique<FlinkCollector>(std::move(options));
}

}  // namespace

Result<HttpAnswer> answer_of(Result<FetchReply> reply) {
    if (!reply) return std::unexpected(reply.error());
    return HttpAnswer{reply->status, std::move(reply->content_type), std::move(reply->body), reply->left_out_bytes};
}

std::set<std::string, std::less<>> watched_kinds(const ClusterConfig& cluster) {
    std::set<std::string, std::less<>> what;
    if (!cluster.kafka.bootstrap.empty()) what.insert("kafka");
    if (!cluster.connect_urls.empty()) what.insert("connect");
    if (!cluster.flink_urls.empty()) what.insert("flink");
    return what;
}

std::vector<Planned> rest_targets(const Watcher::Parts& parts, const ClusterConfig& cluster) {
    std::vector<Planned> all;
    const auto add = [&](const char* kind, std::unique_ptr<HttpCollector> collector, Duration interval) {
        const std::string name = collector->target();
        parts.knowledge.expect(name, cluster.name, interval);
        all.push_back({{.name = name, .kind = kind, .interval = interval},
                       std::make_unique<Rest>(parts, cluster.name, std::move(collector))});
    };
    const IntervalsConfig& every = parts.config.intervals;
    for (const std::string& url : cluster.flink_urls) add("flink", flink(parts.knowledge, cluster, url), every.flink);
    for (const std::string& url : cluster.flink_log_urls())
        add("flink-logs",
            std::make_unique<FlinkLogCollector>(FlinkLogOptions{
                .cluster = cluster.name,
                .url = url,
                .target = target_name(cluster.name, "flink-logs", authority_of(url), cluster.flink_urls.size())}),
            every.flink_logs);
    if (!cluster.connect_urls.empty())
        add("connect",
            std::make_unique<ConnectCollector>(ConnectCollectorOptions{.cluster = cluster.name,
                                                                       .urls = cluster.connect_urls,
                                                                       .target = cluster.name + "/connect",
                                                                       .longest_call = cluster.longest_call}),
            every.connect);
    if (!cluster.prometheus.url.empty())
        add("prometheus",
            std::make_unique<PrometheusCollector>(PrometheusCollectorOptions{.cluster = cluster.name,
                                                                             .url = cluster.prometheus.url,
                                                                             .match = cluster.prometheus.match,
                                                                             .target = cluster.name + "/prometheus",
                                                                             .watched = watched_kinds(cluster)}),
            prometheus_every);
    for (NodeCollectorOptions& options : sidecars_of(cluster)) {
        // As long as a target may be silent before it counts as blind.
        options.age_max = std::max(options.age_max, every.process * 3);
        add("node", std::make_unique<NodeCollector>(std::move(options)), every.process);
    }
    if (!cluster.alertmanager_url.empty())
        add("alertmanager",
            std::make_unique<SilenceCollector>(
                SilenceCollectorOptions{.url = cluster.alertmanager_url, .target = cluster.name + "/alertmanager"}),
            silences_every);
    return all;
}

}  // namespace medic::watch
