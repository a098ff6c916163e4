#include "agent/lease/file_leases.h"

#include <gtest/gtest.h>

#include "agent/base/test_folder_internal.h"

namespace medic {
namespace {

class FileLeases : public testing::Test {
protected:
    std::unique_ptr<LeaseStore> agent(const std::string& name, const std::string& boot = "boot-1") {
        return open_file_leases({.path = (folder.path / "leases.db").string(),
                                 .holder = name,
                                 .ttl = Duration{90'000},
                                 .boot = boot,
                                 .clock = [this] { return now; }})
            .value();
    }
    TestFolder folder;
    Instant now{Duration{5'000}};
};

TEST_F(FileLeases, the_first_has_it_and_the_other_is_told_who) {
    const auto a = agent("a"), b = agent("b");
    const auto first = a->claim("lab").value();
    EXPECT_TRUE(first.ours);
    EXPECT_EQ(first.token, 1U);
    const auto other = b->claim("lab").value();
    EXPECT_FALSE(other.ours);
    EXPECT_EQ(other.holder, "a");
    EXPECT_TRUE(b->claim("another-cluster").value().ours);
}

TEST_F(FileLeases, it_lasts_while_it_is_claimed_anew_and_its_token_stays) {
    const auto a = agent("a"), b = agent("b");
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(a->claim("lab").value().token, 1U);
        now += Duration{80'000};
        EXPECT_FALSE(b->claim("lab").value().ours);
    }
}

TEST_F(FileLeases, after_its_end_the_next_has_it_with_a_higher_token) {
    const auto a = agent("a"), b = agent("b");
    ASSERT_TRUE(a->claim("lab").value().ours);
    now += Duration{90'000};
    const auto taken = b->claim("lab").value();
    EXPECT_TRUE(taken.ours);
    EXPECT_EQ(taken.token, 2U);
    EXPECT_EQ(a->claim("lab").value().holder, "b");
}

TEST_F(FileLeases, given_back_it_is_free_at_once) {
    const auto a = agent("a"), b = agent("b");
    ASSERT_TRUE(a->claim("lab").value().ours);
    ASSERT_TRUE(b->release("lab"));  // Not b's: nothing happens.
    EXPECT_FALSE(b->claim("lab").value().ours);
    ASSERT_TRUE(a->release("lab"));
    EXPECT_EQ(b->claim("lab").value().token, 2U);
}

TEST_F(FileLeases, a_holder_that_comes_back_within_its_time_has_it_still) {
    auto a = agent("a");
    ASSERT_EQ(a->claim("lab").value().token, 1U);
    a = agent("a");
    EXPECT_EQ(a->claim("lab").value().token, 1U);
}

// The clock begins anew with the host.
TEST_F(FileLeases, a_reboot_ends_all_and_keeps_the_tokens_growing) {
    ASSERT_TRUE(agent("a")->claim("lab").value().ours);
    now = Instant{Duration{100}};
    const auto taken = agent("b", "boot-2")->claim("lab").value();
    EXPECT_TRUE(taken.ours);
    EXPECT_EQ(taken.token, 2U);
}

TEST_F(FileLeases, a_file_that_is_no_database_is_refused_by_name) {
    folder.write("leases.db", std::string(8'192, 'x'));
    const auto opened = open_file_leases(
        {.path = (folder.path / "leases.db").string(), .holder = "a", .boot = "b", .clock = [this] { return now; }});
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message.find("leases.db"), std::string::npos) << opened.error().message;
}

}  // namespace
}  // namespace medic
