#include "agent/node/operation_book.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "agent/base/test_folder_internal.h"

namespace medic {
namespace {

struct Book : testing::Test {
    TestFolder folder;
    OperationBook book = open();
    [[nodiscard]] OperationBook open(std::int64_t max = 10'000) const {
        return OperationBook::open({.path = (folder.path / "operations.db").string(), .operations_max = max}).value();
    }
    static BookedOperation kill(const std::string& key, std::uint64_t token = 0) {
        return {.key = key, .cluster = "lab", .node = "tm-1", .action = "kill", .values = "{}", .fencing_token = token};
    }
};

TEST_F(Book, AKeyIsAdmittedOnceAndThenKnownByItsOutcome) {
    EXPECT_FALSE(book.admit(kill("a"), {1}).value().known);
    ASSERT_TRUE(book.finish(kill("a"), std::string("killed 7"), {2}));
    const auto again = book.admit(kill("a"), {3}).value();
    EXPECT_TRUE(again.known);
    EXPECT_EQ(again.outcome->value(), "killed 7");
}

TEST_F(Book, EveryOutcomeIsKeptWithItsCode) {
    for (const ErrorCode code :
         {ErrorCode::invalid, ErrorCode::not_ready, ErrorCode::unavailable, ErrorCode::outcome_unknown}) {
        const auto one = kill(std::string(to_string(code)));
        ASSERT_TRUE(book.admit(one, {1}));
        ASSERT_TRUE(book.finish(one, fail(code, "why"), {2}));
        const auto again = book.admit(one, {3}).value();
        EXPECT_EQ(again.outcome->error().code, code);
        EXPECT_EQ(again.outcome->error().message, "why");
    }
}

TEST_F(Book, WhatWasBegunIsKnownAfterACrashWithoutAnOutcome) {
    ASSERT_TRUE(book.admit(kill("a"), {1}));
    OperationBook next = open();  // Another process: nothing but the file is left.
    const auto again = next.admit(kill("a"), {2}).value();
    EXPECT_TRUE(again.known);
    EXPECT_FALSE(again.outcome);
}

TEST_F(Book, AKeyMeansOneOperation) {
    ASSERT_TRUE(book.admit(kill("a"), {1}));
    BookedOperation other = kill("a");
    other.action = "start";
    EXPECT_EQ(book.admit(other, {2}).error().code, ErrorCode::invalid);
    other = kill("a");
    other.values = R"({"task":"1"})";
    EXPECT_EQ(book.admit(other, {2}).error().code, ErrorCode::invalid);
    other = kill("a");
    other.cluster = "prod";
    EXPECT_FALSE(book.admit(other, {2}).value().known);
}

TEST_F(Book, AnOlderTokenIsRefusedAlsoAfterARestart) {
    ASSERT_TRUE(book.admit(kill("a", 7), {1}));
    EXPECT_TRUE(book.admit(kill("b", 7), {1}));
    OperationBook next = open();
    const auto old = next.admit(kill("c", 6), {2});
    ASSERT_FALSE(old);
    EXPECT_EQ(old.error().code, ErrorCode::not_ready);
    EXPECT_NE(old.error().message.find("fencing token 6 is older than 7"), std::string::npos);
    EXPECT_FALSE(next.admit(kill("d"), {2}));  // Without a lease, where leases are used.
    BookedOperation other = kill("e", 1);
    other.cluster = "prod";
    EXPECT_TRUE(next.admit(other, {2}));
    EXPECT_FALSE(next.admit(kill("c", 8), {3}).value().known);  // What was refused was not begun.
    EXPECT_TRUE(next.admit(kill("a", 6), {3}).value().known);   // What is known only tells.
}

// The kernel refuses to let files grow, as a full disk does.
class FullDisk {
public:
    FullDisk() {
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        rlimit none = before_;
        none.rlim_cur = 0;
        setrlimit(RLIMIT_FSIZE, &none);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

TEST_F(Book, OnAFullDiskNothingNewIsAdmittedAndWhatIsKnownIsTold) {
    ASSERT_TRUE(book.admit(kill("a"), {1}));
    ASSERT_TRUE(book.finish(kill("a"), std::string("killed 7"), {2}));
    Result<OperationBook::Admitted> fresh = OperationBook::Admitted{}, known = OperationBook::Admitted{};
    {
        const FullDisk full;
        fresh = book.admit(kill("b"), {3});
        known = book.admit(kill("a"), {3});
    }
    ASSERT_FALSE(fresh);
    EXPECT_EQ(fresh.error().code, ErrorCode::unavailable);
    ASSERT_TRUE(known) << known.error().message;
    EXPECT_EQ(known->outcome->value(), "killed 7");
    EXPECT_FALSE(book.admit(kill("b"), {4}).value().known) << "there is room again, and it has not run";
}

TEST_F(Book, IsBounded) {
    OperationBook small = open(3);
    for (const char* key : {"a", "b", "c", "d"}) ASSERT_TRUE(small.admit(kill(key), {1}));
    EXPECT_TRUE(small.admit(kill("b"), {2}).value().known);
    EXPECT_FALSE(small.admit(kill("a"), {2}).value().known);
}

}  // namespace
}  // namespace medic
