#include "engine/drill/agent_killer.h"

#include <algorithm>
#include <random>

namespace medic::engine::drill {

namespace {

constexpr auto nap = std::chrono::milliseconds(10);

}  // namespace

AgentKiller::AgentKiller(AgentProcess& agent, std::vector<Duration> moments) {
    std::ranges::sort(moments);
    thread_ = std::thread([this, &agent, moments = std::move(moments)] { run(agent, moments); });
}

AgentKiller::~AgentKiller() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
}

void AgentKiller::run(AgentProcess& agent, const std::vector<Duration>& moments) {
    const auto began = std::chrono::steady_clock::now();
    for (const Duration moment : moments) {
        while (!stopping_ && std::chrono::steady_clock::now() < began + moment) std::this_thread::sleep_for(nap);
        if (stopping_) return;
        outcome_ = agent.kill_and_restart();
        if (!outcome_) break;
        ++kills_;
    }
    done_ = true;
}

std::vector<Duration> random_moments(std::uint64_t seed, int count, Duration window) {
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<std::int64_t> within(0, window.count());
    std::vector<Duration> moments(static_cast<std::size_t>(count));
    std::ranges::generate(moments, [&] { return Duration(within(random)); });
    return moments;
}

}  // namespace medic::engine::drill
