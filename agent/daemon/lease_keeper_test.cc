// How the keeper of leases ends when its store does not answer. What leases mean is lease_book_test's.
#include "agent/daemon/lease_keeper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "agent/world/real/reactor.h"

namespace medic {
namespace {

struct Asked {
    std::atomic<int> claims = 0, releases = 0;
};

// Answers after a while, and then that nobody can be asked.
class SilentStore : public LeaseStore {
public:
    explicit SilentStore(Asked& asked) : asked_(asked) {}
    Result<LeaseGrant> claim(const std::string&) override {
        ++asked_.claims;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return fail(ErrorCode::unavailable, "nobody answers");
    }
    Status release(const std::string&) override {
        ++asked_.releases;
        return fail(ErrorCode::unavailable, "nobody answers");
    }

private:
    Asked& asked_;
};

TEST(LeaseKeeper, stops_without_asking_a_store_that_does_not_answer_for_every_cluster) {
    Asked asked;
    std::vector<std::string> clusters(40, "c");
    for (std::size_t i = 0; i < clusters.size(); ++i) clusters[i] += std::to_string(i);
    Reactor reactor;
    LeaseKeeper keeper({.store = std::make_unique<SilentStore>(asked),
                        .clusters = clusters,
                        .ttl = Duration{90'000},
                        .hear = [](const ActingAgents&) {},
                        .gained = [](const std::string&) {},
                        .say = [](const std::string&) {}});
    keeper.start(reactor);
    while (asked.claims == 0) std::this_thread::yield();
    keeper.stop();
    EXPECT_LT(asked.claims, 40) << "the round under way ends early";
    EXPECT_EQ(asked.releases, 1) << "one that can't be asked is not asked for each cluster";
}

}  // namespace
}  // namespace medic
