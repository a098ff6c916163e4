// Looks at the processes of nodes on this host, through /proc and the drivers' status commands.
#include <algorithm>

#include "agent/base/redact.h"
#include "agent/collectors/process/process.h"
#include "agent/daemon/watch_internal.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/command.h"

namespace medic::watch {
namespace {

class Processes : public Watched {
public:
    Processes(const Watcher::Parts& parts, ProcessCollectorOptions options)
        : Watched(parts), collector_(std::move(options)) {}

    bool look(FetchRequest::Standing, Done done) override {
        return parts_.ingest.post([this, done = std::move(done)] {
            const Now now = read_clock();
            for (StatusAsk& ask : collector_.due(now.wall))
                parts_.reactor.post([this, ask = std::move(ask)] { run_status(ask); });
            parts_.knowledge.apply(collector_.look(now.wall));
            parts_.reactor.post([done, end = LookEnd{now.monotonic, LookSchedule::Outcome::answered}] { done(end); });
        });
    }

private:
    void run_status(const StatusAsk& ask) {
        run_command(parts_.reactor, {.argv = ask.argv, .timeout = ask.timeout, .output_bytes_max = 64 * 1024},
                    [this, node = ask.node](Result<CommandReply> reply) {
                        Result<std::string> output =
                            reply ? Result<std::string>(reply->output) : std::unexpected(reply.error());
                        if (reply && reply->exit_code != 0)
                            output = fail(ErrorCode::unavailable, "its status command ended with {}: {}",
                                          reply->exit_code, redact(reply->errors, 200));
                        parts_.ingest.post_waiting(
                            [this, node, output] { collector_.answer(node, output, read_clock().wall); });
                    });
    }

    ProcessCollector collector_;
};

}  // namespace

std::vector<Planned> process_targets(const Watcher::Parts& parts, const ClusterConfig& cluster) {
    std::vector<Planned> all;
    if (cluster.nodes.empty()) return all;
    ProcessCollectorOptions options =
        process_options_of(cluster);  // Of the others, their sidecars tell (watch_rest.cc).
    const std::string name = options.target;
    const Duration interval = parts.config.intervals.process;
    parts.knowledge.expect(name, cluster.name, interval);
    all.push_back({{.name = name, .kind = "process", .interval = interval},
                   std::make_unique<Processes>(parts, std::move(options))});
    return all;
}

}  // namespace medic::watch
