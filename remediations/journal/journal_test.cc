#include "remediations/journal/journal.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace medic {
namespace {

constexpr WallTime now{1'700'000'000'000};

class JournalTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "medic-journal-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string path() const { return (folder_ / "journal.db").string(); }
    [[nodiscard]] std::unique_ptr<Journal> open() const {
        auto journal = Journal::open({.path = path()});
        EXPECT_TRUE(journal) << (journal ? "" : journal.error().message);
        return journal ? *std::move(journal) : nullptr;
    }

    std::filesystem::path folder_;
};

IncidentRow incident(std::string id, bool closed = false) {
    return {.id = std::move(id),
            .cluster = "lab",
            .cause = "flink.taskmanager-lost",
            .subject = "taskmanager/tm-1",
            .state = "acting",
            .side = "system",
            .owner = "flink platform",
            .summary = "tm-1 is lost",
            .opened_at = now,
            .resolved_at = closed ? now : WallTime{},
            .closed = closed,
            .detail = "{}"};
}

AttemptRow attempt(std::string key, std::string state) {
    return {.key = std::move(key),
            .incident = "I1",
            .cluster = "lab",
            .remedy = "r",
            .cause = "c",
            .diagnosed = "lab:taskmanager/tm-1",
            .target = "lab:node/tm-1",
            .operation = "lab: kill-node tm-1",
            .undo = false,
            .state = std::move(state),
            .intended_at = now};
}

TEST_F(JournalTest, what_was_flushed_is_there_after_a_restart_and_what_was_not_is_gone) {
    {
        auto journal = open();
        const auto first = journal->append(
            {incident("I1"), attempt("I1/1/1", "intended"), PauseRow{"lab", "game day", "ann", now, true}});
        ASSERT_TRUE(first);
        const auto ack = journal->flush();
        EXPECT_TRUE(ack.durable);
        EXPECT_EQ(ack.sequence, *first);
        ASSERT_TRUE(journal->append({attempt("I1/2/1", "intended")}));  // Never flushed: the agent dies here.
    }
    const auto state = open()->load(now);
    EXPECT_TRUE(state.complete) << state.problem;
    EXPECT_EQ(state.incidents_ever, 1U);
    ASSERT_EQ(state.open_incidents.size(), 1U);
    EXPECT_EQ(state.open_incidents[0].summary, "tm-1 is lost");
    ASSERT_EQ(state.attempts.size(), 1U);
    EXPECT_EQ(state.attempts[0].key, "I1/1/1");
    ASSERT_EQ(state.pauses.size(), 1U);
    EXPECT_EQ(state.pauses[0].by, "ann");
}

TEST_F(JournalTest, sequences_go_on_after_a_restart) {
    std::uint64_t last = 0;
    {
        auto journal = open();
        last = *journal->append({incident("I1")});
        EXPECT_TRUE(journal->flush().durable);
    }
    EXPECT_GT(*open()->append({incident("I2")}), last);
}

TEST_F(JournalTest, a_row_replaces_its_older_self_and_decisions_pile_up) {
    auto journal = open();
    ASSERT_TRUE(journal->append({incident("I1"), attempt("I1/1/1", "intended"),
                                 DecisionRow{.at = now, .incident = "I1", .kind = "guards", .verdict = "a"}}));
    ASSERT_TRUE(journal->append({incident("I1", true), attempt("I1/1/1", "replied"),
                                 DecisionRow{.at = now, .incident = "I1", .kind = "guards", .verdict = "b"}}));
    ASSERT_TRUE(journal->flush().durable);
    EXPECT_TRUE(journal->load(now).open_incidents.empty());
    EXPECT_EQ(journal->attempts("I1")->size(), 1U);
    EXPECT_EQ(journal->attempts("I1")->front().state, "replied");
    EXPECT_EQ(journal->decisions("I1")->size(), 2U);
    EXPECT_EQ(journal->decisions("I1")->back().verdict, "b");
    EXPECT_TRUE(journal->incident("I1")->closed);
    EXPECT_FALSE(journal->incident("I9"));
}

TEST_F(JournalTest, of_a_connectors_and_a_topics_settings_the_newest_are_kept) {
    {
        auto journal = open();
        for (const char* detail : {"{}", R"({"now":1})"})
            ASSERT_TRUE(journal->append({ConnectorSettingsRow{"lab", "orders", detail, now},
                                         ConnectorSettingsRow{"lab", "other", "", now},
                                         TopicSettingsRow{"lab", "events", detail, now}}));
        ASSERT_TRUE(journal->flush().durable);
    }
    const auto state = open()->load(now);
    EXPECT_TRUE(state.complete) << state.problem;
    ASSERT_EQ(state.connector_settings.size(), 2U);
    EXPECT_EQ(state.connector_settings[0].connector, "orders");
    EXPECT_EQ(state.connector_settings[0].detail, R"({"now":1})");
    ASSERT_EQ(state.topic_settings.size(), 1U);
    EXPECT_EQ(state.topic_settings[0].topic, "events");
    EXPECT_EQ(state.topic_settings[0].detail, R"({"now":1})");
}

TEST_F(JournalTest, an_alert_is_kept_once_per_fingerprint_start_and_status) {
    auto journal = open();
    const AlertRow firing{.fingerprint = "f", .starts_at = now, .received_at = now, .firing = true, .name = "DiskFull"};
    AlertRow resolved = firing;
    resolved.firing = false;
    ASSERT_TRUE(journal->append({firing, firing}));
    ASSERT_TRUE(journal->flush().durable);
    EXPECT_EQ(journal->load(now).alerts.size(), 1U);
    ASSERT_TRUE(journal->append({firing, resolved}));
    ASSERT_TRUE(journal->flush().durable);
    EXPECT_TRUE(journal->load(now).alerts.empty());
}

TEST_F(JournalTest, the_first_failure_is_never_overwritten) {
    auto journal = open();
    ASSERT_TRUE(journal->append(
        {FirstFailureRow{"I1", "NullPointerException", now}, FirstFailureRow{"I1", "TimeoutException", now}}));
    ASSERT_TRUE(journal->flush().durable);
    EXPECT_EQ(journal->first_failures("I1")->front().text, "NullPointerException");
}

TEST_F(JournalTest, a_corrupt_file_is_refused_and_left_alone) {
    std::ofstream(path()) << std::string(8192, 'x');
    const auto journal = Journal::open({.path = path()});
    ASSERT_FALSE(journal);
    EXPECT_NE(journal.error().message.find(path()), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(path()), 8192U);
}

TEST_F(JournalTest, a_newer_schema_is_refused) {
    ASSERT_NE(open(), nullptr);
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &raw), SQLITE_OK);
    sqlite3_exec(raw, "PRAGMA user_version=99", nullptr, nullptr, nullptr);
    sqlite3_close(raw);
    const auto journal = Journal::open({.path = path()});
    ASSERT_FALSE(journal);
    EXPECT_NE(journal.error().message.find("schema 99"), std::string::npos);
}

// A full disk, as SQLite sees it: the file may not grow any more.
TEST_F(JournalTest, a_full_disk_is_reported_and_the_journal_recovers_when_there_is_room) {
    auto journal = open();
    ASSERT_TRUE(journal->append({incident("I1")}));
    ASSERT_TRUE(journal->flush().durable);
    ASSERT_TRUE(journal->limit_bytes(1));
    IncidentRow big = incident("I2");
    big.detail = std::string(1'000'000, 'x');
    ASSERT_TRUE(journal->append({big}));
    const auto failed = journal->flush();
    EXPECT_FALSE(failed.durable);
    EXPECT_NE(failed.problem.find("full"), std::string::npos) << failed.problem;
    EXPECT_EQ(journal->load(now).open_incidents.size(), 1U);
    ASSERT_TRUE(journal->limit_bytes(1ULL << 30));
    ASSERT_TRUE(journal->append({big}));
    EXPECT_TRUE(journal->flush().durable);
    EXPECT_EQ(journal->load(now).open_incidents.size(), 2U);
}

TEST_F(JournalTest, appending_is_bounded) {
    auto journal = Journal::open({.path = path(), .pending_entries_max = 1});
    ASSERT_TRUE(journal);
    ASSERT_TRUE((*journal)->append({incident("I1")}));
    EXPECT_FALSE((*journal)->append({incident("I2")}));
}

TEST_F(JournalTest, a_reader_reads_beside_the_writer_and_can_not_write) {
    auto writer = open();
    ASSERT_TRUE(writer->append({incident("I1")}));
    ASSERT_TRUE(writer->flush().durable);
    const auto reader = Journal::open_read_only(path());
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ((*reader)->incidents(10)->size(), 1U);
    ASSERT_TRUE((*reader)->append({incident("I2")}));
    EXPECT_FALSE((*reader)->flush().durable);
    EXPECT_FALSE(Journal::open_read_only(path() + ".none"));
}

TEST_F(JournalTest, ended_incidents_are_forgotten_after_their_time) {
    auto journal = open();
    ASSERT_TRUE(journal->append({incident("I1", true), attempt("I1/1/1", "replied"), incident("I2")}));
    ASSERT_TRUE(journal->flush().durable);
    EXPECT_EQ(journal->forget_before(now, 10).value(), 0U);  // Its time has not come.
    EXPECT_EQ(journal->forget_before(now + Duration{1}, 10).value(), 1U);
    EXPECT_EQ(journal->incidents(10)->size(), 1U);
    EXPECT_TRUE(journal->attempts("I1")->empty());
}

TEST_F(JournalTest, the_newest_ended_incidents_are_loaded_in_order) {
    auto journal = *Journal::open({.path = ":memory:", .ended_max = 3});
    for (const char* id : {"I8", "I9", "I10", "I11"}) ASSERT_TRUE(journal->append({incident(id, true)}));
    ASSERT_TRUE(journal->append({incident("I12")}));
    ASSERT_TRUE(journal->flush().durable);
    const auto state = journal->load(now);
    std::vector<std::string> ids;
    for (const auto& row : state.ended_incidents) ids.push_back(row.id);
    EXPECT_EQ(ids, (std::vector<std::string>{"I9", "I10", "I11"}));
}

TEST_F(JournalTest, nothing_of_an_open_incident_is_ever_forgotten) {
    auto journal = open();
    IncidentRow open_one = incident("I1");
    open_one.detail = R"({"alerts":["f1|1"]})";
    const auto alert = [](const char* fingerprint) {
        return AlertRow{.fingerprint = fingerprint, .starts_at = now, .received_at = now, .firing = true};
    };
    ASSERT_TRUE(journal->append(
        {open_one, attempt("I1/1/1", "replied"), DecisionRow{.at = now, .incident = "I1", .kind = "plan"},
         FirstFailureRow{"I1", "it broke", now}, ApprovalRow{.action = "I1/1", .by = "ana", .at = now},
         DeliveryRow{.receiver = "chat", .incident = "I1", .at = now}, QuarantineRow{"lab", "job", "v2", "I2", now},
         alert("f1"), alert("f2"), incident("I2", true), ApprovalRow{.action = "I2/1", .by = "ana", .at = now},
         incident("I3", true)}));
    ASSERT_TRUE(journal->flush().durable);
    EXPECT_EQ(journal->forget_before(now + Duration{1}, 10).value(), 1U);  // I2; I3 is the newest.
    EXPECT_TRUE(journal->incident("I1"));
    EXPECT_FALSE(journal->incident("I2"));
    EXPECT_EQ(journal->attempts("I1")->size(), 1U);
    EXPECT_EQ(journal->decisions("I1")->size(), 1U);
    EXPECT_EQ(journal->first_failures("I1")->size(), 1U);
    const JournalState state = journal->load(now);
    ASSERT_EQ(state.approvals.size(), 1U);
    EXPECT_EQ(state.approvals[0].action, "I1/1");
    EXPECT_EQ(state.deliveries.size(), 1U);
    EXPECT_EQ(state.quarantines.size(), 1U);  // Its developer has not released it.
    ASSERT_EQ(state.alerts.size(), 1U);
    EXPECT_EQ(state.alerts[0].fingerprint, "f1");
    EXPECT_EQ(state.incidents_ever, 3U);  // No number is given twice.
}

TEST_F(JournalTest, forgetting_goes_in_small_portions_and_the_oldest_first) {
    auto journal = open();
    for (int i = 1; i <= 5; ++i) {
        IncidentRow one = incident("I" + std::to_string(i), true);
        one.resolved_at = now + Duration{6 - i};  // I5 ended first, but is the newest.
        ASSERT_TRUE(journal->append({one}));
    }
    ASSERT_TRUE(journal->flush().durable);
    EXPECT_EQ(journal->forget_before(now + Duration{100}, 2).value(), 2U);
    EXPECT_TRUE(journal->incident("I1"));
    EXPECT_TRUE(journal->incident("I2"));
    EXPECT_FALSE(journal->incident("I3"));
    EXPECT_FALSE(journal->incident("I4"));
    EXPECT_EQ(journal->forget_before(now + Duration{100}, 10).value(), 2U);
    EXPECT_EQ(journal->incidents(10)->size(), 1U);
    EXPECT_EQ(journal->forget_before(now + Duration{100}, 10).value(), 0U);
}

TEST_F(JournalTest, what_is_owed_to_a_receiver_survives_a_restart_until_it_is_told_to_the_end) {
    auto journal = open();
    const DeliveryRow owed{
        .receiver = "chat", .incident = "I1", .revision = 0, .told = "", .labels = "", .final = false, .at = now};
    DeliveryRow told = owed, unknown = owed;
    told.receiver = "pager";
    told.revision = 7;
    told.told = "f1";
    told.final = true;
    unknown.incident = "I2";
    unknown.final = true;
    ASSERT_TRUE(journal->append({incident("I1", true), incident("I2", true), incident("I3"), owed, told, unknown}));
    ASSERT_TRUE(journal->flush().durable);
    auto state = open()->load(now);
    ASSERT_EQ(state.untold.size(), 1U);
    EXPECT_EQ(state.untold[0].id, "I1");
    ASSERT_EQ(state.deliveries.size(), 2U);  // Both receivers of I1: what one was told matters while the other waits.
    EXPECT_EQ(state.deliveries[1].revision, 7);
    EXPECT_TRUE(state.deliveries[1].final);
    DeliveryRow ended = owed;
    ended.final = true;
    ASSERT_TRUE(journal->append({ended}));
    ASSERT_TRUE(journal->flush().durable);
    state = journal->load(now);
    EXPECT_TRUE(state.untold.empty() && state.deliveries.empty());
}

TEST(Journal, NoticesAreKeptUntilTheyEnd) {
    const auto journal = Journal::open({.path = ":memory:"}).value();
    NoticeRow notice{.id = "n",
                     .cluster = "c",
                     .subject = "broker/2",
                     .text = "disks",
                     .by = "ana",
                     .at = {1'000},
                     .until = {5'000}};
    ASSERT_TRUE(journal->append({notice}));
    ASSERT_TRUE(journal->flush().durable);
    const auto known = journal->load({4'999}).notices;
    ASSERT_EQ(known.size(), 1u);
    EXPECT_EQ(known[0].subject, "broker/2");
    EXPECT_EQ(known[0].until, WallTime{5'000});
    EXPECT_TRUE(journal->load({5'000}).notices.empty());
    ASSERT_TRUE(journal->forget_before({6'000}, 10));
    EXPECT_TRUE(journal->load({4'999}).notices.empty());
}

}  // namespace
}  // namespace medic
