#include "engine/connect/link.h"

#include <sys/socket.h>

#include <memory>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace medic::engine::connect {
namespace {

class LinkTest : public testing::Test {
protected:
    void SetUp() override {
        int ends[2] = {-1, -1};
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        task_ = std::make_unique<Link>(ends[0]);
        worker_ = std::make_unique<Link>(ends[1]);
    }

    // Long ones, so that the last one that is taken has no room for all of itself.
    static std::string line(std::size_t number) { return fmt::format("{}:{}", number, std::string(50'000, 'x')); }

    std::size_t send_until_full() {
        std::size_t taken = 0;
        while (taken < 1'000 && task_->send(line(taken))) ++taken;
        return taken;
    }

    std::unique_ptr<Link> task_, worker_;
};

TEST_F(LinkTest, NoLineIsCutWhereTheOtherSideDoesNotRead) {
    const std::size_t taken = send_until_full();
    ASSERT_GT(taken, 0U);
    ASSERT_LT(taken, 1'000U) << "it never waits, so it must have been full";
    std::vector<std::string> lines;
    ASSERT_TRUE(worker_->receive(lines));
    EXPECT_TRUE(task_->flush());
    EXPECT_TRUE(task_->send("after"));
    ASSERT_TRUE(worker_->receive(lines));
    ASSERT_EQ(lines.size(), taken + 1);
    for (std::size_t i = 0; i < taken; ++i) EXPECT_EQ(lines[i], line(i)) << i;
    EXPECT_EQ(lines.back(), "after");
}

TEST_F(LinkTest, TheEndOfTheOtherSideEndsIt) {
    worker_.reset();
    EXPECT_FALSE(task_->send("{}"));
    std::vector<std::string> lines;
    EXPECT_FALSE(task_->receive(lines));
}

}  // namespace
}  // namespace medic::engine::connect
