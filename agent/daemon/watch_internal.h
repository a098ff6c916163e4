// One target and how a look at it goes, from its slot to its end. Only for the .cc files behind Watcher: they differ in
// who is asked and how, not in when.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/collectors/look.h"
#include "agent/daemon/look_schedule.h"
#include "agent/daemon/watcher.h"
#include "agent/world/real/http_fetcher.h"

namespace medic::watch {

struct LookEnd {
    Instant began;
    LookSchedule::Outcome outcome = LookSchedule::Outcome::failed;
};

class Watched {
public:
    // Called once for each look, on the reactor's thread.
    using Done = std::function<void(LookEnd)>;

    explicit Watched(const Watcher::Parts& parts) : parts_(parts) {}
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    virtual ~Watched() = default;

    // On the reactor's thread, one look at a time. False: the agent is too busy to begin; `done` is not called.
    [[nodiscard]] virtual bool look(FetchRequest::Standing standing, Done done) = 0;
    // From another thread, after the reactor has stopped.
    virtual void stop() {}
    // It may tell this fact, and is read so seldom that asking sooner is worth it.
    [[nodiscard]] virtual bool tells(const FactKey&) const { return false; }

protected:
    Watcher::Parts parts_;
};

// A target with the place that it gets in the schedule.
struct Planned {
    LookSchedule::Target when;
    std::unique_ptr<Watched> what;
};

// All but Kafka that a cluster's configuration names. Makes the targets known to parts.knowledge.
[[nodiscard]] std::vector<Planned> rest_targets(const Watcher::Parts& parts, const ClusterConfig& cluster);
[[nodiscard]] std::vector<Planned> page_targets(const Watcher::Parts& parts, const ClusterConfig& cluster);
[[nodiscard]] std::vector<Planned> process_targets(const Watcher::Parts& parts, const ClusterConfig& cluster);
[[nodiscard]] std::vector<Planned> log_targets(const Watcher::Parts& parts, const ClusterConfig& cluster);

struct PlannedKafka {
    Planned planned;
    std::shared_ptr<KafkaClient> client;
};
[[nodiscard]] PlannedKafka kafka_target(const Watcher::Parts& parts, const ClusterConfig& cluster);

[[nodiscard]] Result<HttpAnswer> answer_of(Result<FetchReply> reply);
// What need not be read from pages, because it is watched itself.
[[nodiscard]] std::set<std::string, std::less<>> watched_kinds(const ClusterConfig& cluster);

}  // namespace medic::watch
