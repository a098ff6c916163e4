// Looks at logs on this host: on a thread that may wait for a slow disk.
#include "agent/collectors/logs/logs.h"
#include "agent/daemon/watch_internal.h"
#include "agent/world/real/clock.h"

namespace medic::watch {
namespace {

class Logs : public Watched {
public:
    Logs(const Watcher::Parts& parts, LogCollectorOptions options)
        : Watched(parts), collector_(std::move(options)), thread_("logs", 1) {}

    bool look(FetchRequest::Standing, Done done) override {
        return thread_.post([this, done = std::move(done)] {
            const Now now = read_clock();
            auto observation = collector_.look(now.wall);
            const auto outcome = observation.outcome == ScrapeOutcome::failed ? LookSchedule::Outcome::failed
                                                                              : LookSchedule::Outcome::answered;
            parts_.ingest.post_waiting(
                [this, done, end = LookEnd{now.monotonic, outcome}, observation = std::move(observation)]() mutable {
                    parts_.knowledge.apply(std::move(observation));
                    parts_.reactor.post([done, end] { done(end); });
                });
        });
    }

    void stop() override { thread_.stop(); }

private:
    LogCollector collector_;
    Worker thread_;
};

}  // namespace

std::vector<Planned> log_targets(const Watcher::Parts& parts, const ClusterConfig& cluster) {
    std::vector<Planned> all;
    if (cluster.logs.empty()) return all;
    LogCollectorOptions options{.cluster = cluster.name, .target = cluster.name + "/logs"};
    for (const LogConfig& log : cluster.logs) options.sources.push_back({log.path, log.unit, log.node, log.component});
    const std::string name = options.target;
    const Duration interval = parts.config.intervals.logs;
    parts.knowledge.expect(name, cluster.name, interval);
    all.push_back(
        {{.name = name, .kind = "logs", .interval = interval}, std::make_unique<Logs>(parts, std::move(options))});
    return all;
}

}  // namespace medic::watch
