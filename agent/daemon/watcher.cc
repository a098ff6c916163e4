#include "agent/daemon/watcher.h"

#include <algorithm>

#include "agent/daemon/watch_internal.h"
#include "agent/world/real/clock.h"

namespace medic {

struct Watcher::State {
    explicit State(Parts parts_in) : parts(parts_in) {}

    Parts parts;
    LookSchedule schedule;
    std::vector<std::unique_ptr<watch::Watched>> targets;  // By LookSchedule::Id.
    std::map<std::string, std::shared_ptr<KafkaClient>> kafka;
    Reactor::TimerId timer = 0;  // For the next slot.
    std::optional<Instant> timer_for;

    void add(watch::Planned planned) {
        (void)schedule.add(std::move(planned.when));
        targets.push_back(std::move(planned.what));
    }
    void add_cluster(const ClusterConfig& cluster);
    void begin_due();
    void arm();
};

void Watcher::State::add_cluster(const ClusterConfig& cluster) {
    for (auto& one : watch::rest_targets(parts, cluster)) add(std::move(one));
    if (!cluster.kafka.bootstrap.empty()) {
        auto target = watch::kafka_target(parts, cluster);
        kafka.emplace(cluster.name, std::move(target.client));
        add(std::move(target.planned));
    }
    for (auto& one : watch::process_targets(parts, cluster)) add(std::move(one));
    for (auto& one : watch::log_targets(parts, cluster)) add(std::move(one));
    for (auto& one : watch::page_targets(parts, cluster)) add(std::move(one));
}

void Watcher::State::begin_due() {
    timer_for.reset();
    const Instant now = read_clock().monotonic;
    for (const LookSchedule::Id id : schedule.due(now)) {
        const auto standing = schedule.suspect(id) ? FetchRequest::Standing::suspect : FetchRequest::Standing::healthy;
        const bool begun = targets[id]->look(standing, [this, id](watch::LookEnd end) {
            schedule.ended(id, end.began, end.outcome, read_clock().monotonic);
            arm();
        });
        if (!begun) schedule.skipped(id, now);
    }
    arm();
}

void Watcher::State::arm() {
    const auto next = schedule.next();
    if (!next || (timer_for && *timer_for <= *next)) return;
    if (timer_for) parts.reactor.cancel(timer);
    timer_for = next;
    timer = parts.reactor.after(std::max(Duration{0}, *next - read_clock().monotonic), [this] { begin_due(); });
}

Watcher::Watcher(Parts parts) : state_(std::make_unique<State>(parts)) {}
Watcher::~Watcher() { stop(); }

void Watcher::prepare() {
    for (const ClusterConfig& cluster : state_->parts.config.clusters) state_->add_cluster(cluster);
}

void Watcher::start() {
    state_->schedule.start(read_clock().monotonic);
    state_->arm();
}

// Waiting calls are cut short everywhere before any thread is waited for: stopping takes as long as the slowest one.
void Watcher::stop() {
    for (auto& [name, client] : state_->kafka) client->stop();
    for (auto& target : state_->targets) target->stop();
}

void Watcher::hurry(const std::vector<FactKey>& facts) {
    const Instant now = read_clock().monotonic;
    for (LookSchedule::Id id = 0; id < state_->targets.size(); ++id)
        if (std::ranges::any_of(facts, [&](const FactKey& fact) { return state_->targets[id]->tells(fact); }))
            state_->schedule.hurry(id, now);
    state_->arm();
}

std::shared_ptr<KafkaClient> Watcher::kafka(const std::string& cluster) const {
    const auto found = state_->kafka.find(cluster);
    return found == state_->kafka.end() ? nullptr : found->second;
}

std::map<std::string, LookCounts> Watcher::look_counts() const { return state_->schedule.counts(); }

}  // namespace medic
