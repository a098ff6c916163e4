// Kills the agent (SIGKILL) at given moments while it heals, and starts it again at once: it must carry on where it
// was, and do nothing twice. One per drill; the agent must outlive it.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "engine/drill/agent_process.h"

namespace medic::engine::drill {

class AgentKiller {
public:
    // Moments after now, in any order; one that comes while the agent is still starting follows at once.
    AgentKiller(AgentProcess& agent, std::vector<Duration> moments);
    ~AgentKiller();  // Waits for a start under way, and kills no more.
    AgentKiller(const AgentKiller&) = delete;
    AgentKiller& operator=(const AgentKiller&) = delete;

    [[nodiscard]] bool done() const { return done_; }
    [[nodiscard]] int kills() const { return kills_; }
    // Why it gave up; only when done. A drill whose agent does not come back fails by itself.
    [[nodiscard]] const Status& outcome() const { return outcome_; }

private:
    void run(AgentProcess& agent, const std::vector<Duration>& moments);

    std::atomic<bool> stopping_ = false, done_ = false;
    std::atomic<int> kills_ = 0;
    Status outcome_;
    std::thread thread_;
};

// `count` moments within `window`, the same ones for the same seed.
[[nodiscard]] std::vector<Duration> random_moments(std::uint64_t seed, int count, Duration window);

}  // namespace medic::engine::drill
