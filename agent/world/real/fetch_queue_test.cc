#include "agent/world/real/fetch_queue_internal.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

using Queue = FetchQueue<int>;

constexpr FetchLimits small{.in_flight_max = 8, .acting_max = 2, .suspects_max = 2, .per_host_max = 2};

FetchKey healthy(const std::string& host) { return {FetchClass::healthy, host}; }

std::vector<FetchKey> take_all(Queue& queue) {
    std::vector<FetchKey> taken;
    while (auto next = queue.take()) taken.push_back(next->first);
    return taken;
}

TEST(FetchQueue, hosts_take_turns) {
    Queue queue(small);
    for (int i = 0; i < 10; ++i) queue.push(healthy("much"), i);
    queue.push(healthy("little"), 0);
    const auto taken = take_all(queue);
    ASSERT_EQ(taken.size(), 3U);  // Two of the one, one of the other.
    EXPECT_EQ(taken[1].second, "little");
    queue.ended(healthy("much"));
    EXPECT_EQ(take_all(queue).size(), 1U);
    EXPECT_EQ(queue.waiting(), 7U);
}

TEST(FetchQueue, however_many_suspects_hang_the_healthy_are_asked) {
    Queue queue(small);
    for (int i = 0; i < 100; ++i) queue.push({FetchClass::suspect, "s" + std::to_string(i)}, i);
    EXPECT_EQ(take_all(queue).size(), small.suspects_max);
    for (int i = 0; i < 100; ++i) queue.push(healthy("h" + std::to_string(i)), i);
    EXPECT_EQ(take_all(queue).size(), small.in_flight_max - small.suspects_max);
    for (int i = 0; i < 6; ++i) queue.ended(healthy("h" + std::to_string(i)));
    for (const auto& key : take_all(queue)) EXPECT_EQ(key.first, FetchClass::healthy);
}

TEST(FetchQueue, what_acts_waits_for_no_look) {
    Queue queue(small);
    for (int i = 0; i < 20; ++i) queue.push(healthy("h" + std::to_string(i)), i);
    EXPECT_EQ(take_all(queue).size(), small.in_flight_max);
    queue.push({FetchClass::acting, "h1"}, 1);
    const auto next = queue.take();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->first.first, FetchClass::acting);
}

TEST(FetchQueue, a_host_that_has_ended_leaves_nothing_behind) {
    Queue queue(small);
    queue.push(healthy("h"), 7);
    const auto next = queue.take();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->second, 7);
    queue.ended(next->first);
    EXPECT_FALSE(queue.take());
    queue.push(healthy("h"), 8);
    EXPECT_TRUE(queue.take());
}

}  // namespace
}  // namespace medic
