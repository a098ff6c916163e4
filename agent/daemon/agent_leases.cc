// Several agents on one cluster: what the agent does with its leases.
#include "agent/daemon/agent_state_internal.h"

namespace medic {

Status Agent::State::open_leases() {
    MEDIC_TRY(auto store, open_lease_store(config));
    if (!store) return {};
    leases = std::make_unique<LeaseKeeper>(
        LeaseKeeper::Parts{.store = std::move(store),
                           .clusters = clusters(),
                           .ttl = config.lease.ttl,
                           .hear =
                               [this](ActingAgents agents) {
                                   {
                                       const std::lock_guard guard(shared_mutex);
                                       acting = agents;
                                   }
                                   give(std::move(agents));
                               },
                           .gained = [this](const std::string& cluster) { taken_over(cluster); },
                           .say = options.say});
    return {};
}

// The agent that acted before has told people of what was open; whether they still get to know of its end, nobody can
// say. So they hear of it once more, from this one.
void Agent::State::taken_over(const std::string& cluster) {
    std::vector<Incident> open;
    {
        const std::lock_guard guard(shared_mutex);
        for (const Incident& incident : shown)
            if (incident.cluster == cluster && !incident.ended()) open.push_back(incident);
    }
    if (!open.empty()) reactor.post([this, open = std::move(open)] { notifier->update(open); });
}

bool Agent::State::tells(const Incident& incident) const { return !leases || !leases->is_elsewhere(incident.cluster); }

}  // namespace medic
