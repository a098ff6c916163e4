#include "agent/collectors/logs/logs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

namespace fs = std::filesystem;

struct Folder {
    Folder()
        : path(fs::temp_directory_path() / ("logs_test." + std::to_string(getpid()) + "." +
                                            testing::UnitTest::GetInstance()->current_test_info()->name())) {
        fs::create_directories(path);
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    [[nodiscard]] std::string file(const std::string& name) const { return (path / name).string(); }
    void append(const std::string& name, const std::string& text) const {
        std::ofstream(file(name), std::ios::app | std::ios::binary) << text;
    }
    fs::path path;
};

using Lines = std::vector<std::string>;

// --- FileTail

TEST(FileTail, reads_what_is_new_and_waits_for_the_end_of_a_line) {
    const Folder folder;
    folder.append("a", "old\n");
    FileTail tail(folder.file("a"), {});
    EXPECT_EQ(tail.look().lines, Lines{"old"});
    folder.append("a", "one\r\ntw");
    EXPECT_EQ(tail.look().lines, Lines{"one"});
    folder.append("a", "o\n\nthree\n");
    EXPECT_EQ(tail.look().lines, (Lines{"two", "three"}));
    EXPECT_TRUE(tail.look().lines.empty());
}

TEST(FileTail, takes_a_last_line_without_an_end_when_nothing_follows) {
    const Folder folder;
    folder.append("a", "dying wor");
    FileTail tail(folder.file("a"), {});
    EXPECT_TRUE(tail.look().lines.empty());
    EXPECT_TRUE(tail.look().lines.empty());
    EXPECT_EQ(tail.look().lines, Lines{"dying wor"});
}

TEST(FileTail, follows_a_rename_and_loses_nothing) {
    const Folder folder;
    folder.append("a", "one\n");
    FileTail tail(folder.file("a"), {});
    (void)tail.look();
    folder.append("a", "two\nlast of the old");
    fs::rename(folder.file("a"), folder.file("a.1"));
    EXPECT_EQ(tail.look().lines, Lines{"two"});  // No new file yet: the old one is still read.
    folder.append("a.1", " file\n");
    folder.append("a", "first of the new\n");
    EXPECT_EQ(tail.look().lines, (Lines{"last of the old file", "first of the new"}));
    folder.append("a", "second\n");
    EXPECT_EQ(tail.look().lines, Lines{"second"});
}

TEST(FileTail, follows_a_truncation_even_when_the_file_has_grown_past_it) {
    const Folder folder;
    folder.append("a", "2026-01-01 one\n2026-01-01 two\n");
    FileTail tail(folder.file("a"), {});
    EXPECT_EQ(tail.look().lines.size(), 2U);
    fs::resize_file(folder.file("a"), 0);
    folder.append("a", "2026-01-02 short\n");
    EXPECT_EQ(tail.look().lines, Lines{"2026-01-02 short"});
    fs::resize_file(folder.file("a"), 0);
    folder.append("a", "2026-01-03 this line is longer than all that was there before it\n");
    EXPECT_EQ(tail.look().lines.size(), 1U);
}

TEST(FileTail, never_reads_the_past_without_bound) {
    const Folder folder;
    for (int i = 0; i < 1'000; ++i) folder.append("a", "line " + std::to_string(i) + "\n");
    FileTail tail(folder.file("a"), {.bytes_per_look_max = 400, .first_look_bytes = 100});
    const Lines recent = tail.look().lines;
    EXPECT_LE(recent.size(), 11U);
    EXPECT_EQ(recent.back(), "line 999");
    for (const std::string& line : recent) EXPECT_TRUE(line.starts_with("line ")) << line;
    for (int i = 0; i < 1'000; ++i) folder.append("a", "next " + std::to_string(i) + "\n");
    const TailedLines next = tail.look();
    EXPECT_GT(next.skipped_bytes, 8'000U);
    EXPECT_EQ(next.lines.back(), "next 999");
    for (const std::string& line : next.lines) EXPECT_TRUE(line.starts_with("next ")) << line;
}

TEST(FileTail, cuts_a_line_of_ten_megabytes) {
    const Folder folder;
    folder.append("a", "x\n");
    FileTail tail(folder.file("a"), {.bytes_per_look_max = 64 * 1024 * 1024, .line_bytes_max = 1'000});
    (void)tail.look();
    folder.append("a", std::string(10 * 1024 * 1024, 'y') + "\nafter\n");
    const TailedLines read = tail.look();
    ASSERT_EQ(read.lines.size(), 2U);
    EXPECT_EQ(read.lines[0].size(), 1'000U);
    EXPECT_EQ(read.lines[1], "after");
    EXPECT_EQ(read.cut_lines, 1U);
}

TEST(FileTail, says_when_there_is_nothing_to_read) {
    const Folder folder;
    FileTail missing(folder.file("none"), {});
    EXPECT_NE(missing.look().problem.find("No such file"), std::string::npos);
    FileTail folder_instead(folder.path.string(), {});
    EXPECT_NE(folder_instead.look().problem.find("not a regular file"), std::string::npos);
}

// --- Records

LogRecord only_record(const Lines& lines) {
    RecordJoiner joiner;
    for (const std::string& line : lines) EXPECT_FALSE(joiner.add(line, {1'000})) << line;
    auto record = joiner.end();
    EXPECT_TRUE(record);
    return record.value_or(LogRecord{});
}

TEST(RecordJoiner, puts_a_stack_trace_together) {
    RecordJoiner joiner;
    EXPECT_FALSE(
        joiner.add("2026-11-28 04:12:33,123 WARN  o.a.f.runtime.taskmanager.Task [] - score (2/4)#0 switched", {1}));
    EXPECT_FALSE(joiner.add("java.lang.NullPointerException: no customer", {1}));
    EXPECT_FALSE(joiner.add("\tat com.acme.Enrich.map(Enrich.java:42) ~[job.jar:1.0]", {1}));
    EXPECT_FALSE(joiner.add("Caused by: java.io.IOException: gone", {1}));
    EXPECT_FALSE(joiner.add("\t... 7 more", {1}));
    const auto record = joiner.add("2026-11-28 04:12:34,000 INFO  next", {1});
    ASSERT_TRUE(record);
    EXPECT_EQ(record->level, LogLevel::warn);
    EXPECT_TRUE(record->trace);
    EXPECT_EQ(std::ranges::count(record->text, '\n'), 4);
    EXPECT_TRUE(joiner.end());
    EXPECT_FALSE(joiner.end());
}

TEST(RecordJoiner, reads_the_shipped_layouts) {
    const LogRecord connect =
        only_record({"[2026-11-28 04:12:33,123] ERROR [orders-sink|task-3] WorkerSinkTask{id=orders-sink-3} failed "
                     "(org.apache.kafka.connect.runtime.WorkerTask:212)"});
    EXPECT_EQ(connect.level, LogLevel::error);
    EXPECT_EQ(connect.fields.at("connector"), "orders-sink");
    EXPECT_EQ(connect.fields.at("task"), "3");
    const LogRecord flink =
        only_record({"2026-11-28 04:12:33,123 INFO  o.a.f.r.e.ExecutionGraph [] - Job orders "
                     "(f3354c755bba6d905a16c736d2ee5153) switched from state RUNNING to FAILING."});
    EXPECT_EQ(flink.level, LogLevel::info);
    EXPECT_EQ(flink.fields.at("job_id"), "f3354c755bba6d905a16c736d2ee5153");
    const LogRecord json =
        only_record({R"~({"@timestamp":"2026-11-28T04:12:33.123Z","level":"ERROR","message":"failed",)~"
                     R"~("stack_trace":"java.lang.X\n\tat a.B.c(B.java:1)"})~"});
    EXPECT_EQ(json.at.unix_ms, 1'795'839'153'123);
    EXPECT_TRUE(json.trace);
    EXPECT_EQ(json.level, LogLevel::error);
}

TEST(RecordJoiner, lines_without_times_are_records_of_their_own_unless_they_continue) {
    RecordJoiner joiner;
    EXPECT_FALSE(joiner.add("started", {1}));
    EXPECT_TRUE(joiner.add("listening", {2}));
    EXPECT_TRUE(joiner.add("java.lang.IllegalStateException: no", {3}));
    EXPECT_FALSE(joiner.add("\tat a.B.c(B.java:1)", {3}));
    const auto record = joiner.end();
    ASSERT_TRUE(record);
    EXPECT_TRUE(record->trace);
    EXPECT_EQ(record->at, (WallTime{3}));
}

TEST(RecordJoiner, a_record_without_end_stays_within_its_bounds) {
    RecordJoiner joiner;
    (void)joiner.add("2026-11-28 04:12:33,123 ERROR x", {1});
    for (int i = 0; i < 100'000; ++i) EXPECT_FALSE(joiner.add("\tat a.B.c(B.java:1)", {1}));
    EXPECT_GT(joiner.left_out_lines(), 99'000U);
    EXPECT_LE(joiner.end()->text.size(), RecordJoiner::record_bytes_max);
}

TEST(CleanLine, takes_escapes_control_bytes_and_broken_text_out) {
    EXPECT_EQ(clean_line("\x1b[31mERROR\x1b[0m \x1b]0;title\a"
                         "red"),
              "ERROR red");
    EXPECT_EQ(clean_line("a\bb\tc\x7f d e f"), "ab\tc d e f");
    EXPECT_EQ(clean_line("gr\xc3\xbc\xc3\x9f"
                         "e \xff und mehr"),
              "grüße  und mehr");
    EXPECT_EQ(clean_line("C1 \xc2\x9b"
                         "31m"),
              "C1 31m");
    EXPECT_EQ(clean_line(std::string(100, '\0')), std::nullopt);
    EXPECT_EQ(clean_line(""), "");
    EXPECT_EQ(clean_line("cut \x1b["), "cut ");
}

// --- The collector

struct Collecting : testing::Test {
    Folder folder;
    LogCollectorOptions options{.cluster = "lab", .target = "lab/logs"};
    std::unique_ptr<LogCollector> collector;

    void watch(const std::string& glob) {
        options.sources = {{.path = folder.file(glob), .unit = "", .node = "tm-1", .component = "flink"}};
        collector = std::make_unique<LogCollector>(options);
    }
    static std::string error(int i) {
        return "2026-11-28 04:12:33,123 ERROR kind " + std::string(static_cast<std::size_t>(i), 'k') + "\n";
    }
    // Looks twice: the last record is whole when nothing follows.
    std::vector<Event> events(std::int64_t at_ms) {
        Observation first = collector->look({at_ms}), second = collector->look({at_ms + 1'000});
        first.events.insert(first.events.end(), second.events.begin(), second.events.end());
        return first.events;
    }
};

TEST_F(Collecting, an_error_with_its_trace_is_one_event_and_information_is_none) {
    folder.append("f.log",
                  "2026-11-28 04:12:32,000 INFO  fine\n2026-11-28 04:12:33,123 ERROR it failed\njava.lang.X: y\n\tat "
                  "a.B.c(B.java:1)\n");
    watch("*.log");
    const auto found = events(1'000);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, "log");
    EXPECT_EQ(found[0].subject, (Subject{"lab", "node", "tm-1"}));
    EXPECT_NE(found[0].text.find("at a.B.c"), std::string::npos);
    EXPECT_EQ(found[0].fields.at("component"), "flink");
    EXPECT_EQ(found[0].at.unix_ms, 2'000);  // 2026 is far from this look's time: not believed.
    const Observation now = collector->look({3'000});
    EXPECT_TRUE(now.events.empty());
    EXPECT_EQ(recorded::count(now, "log_records_total"), 2U);
}

TEST_F(Collecting, secrets_are_hidden_before_anything_is_kept) {
    folder.append(
        "f.log",
        "2026-11-28 04:12:33,123 ERROR ssl.key.password=hunter2 sasl.jaas.config=org.x required password=\"p4ss\";\n");
    watch("*.log");
    const auto found = events(1'000);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].text.find("hunter2"), std::string::npos);
    EXPECT_EQ(found[0].text.find("p4ss"), std::string::npos);
}

TEST_F(Collecting, the_same_complaint_again_is_counted_and_not_kept) {
    watch("*.log");
    for (int i = 0; i < 50; ++i)
        folder.append("f.log", "2026-11-28 04:12:33,123 ERROR timed out after 3000" + std::to_string(i) + " ms\n");
    EXPECT_EQ(events(1'000).size(), 1U);
    folder.append("f.log", "2026-11-28 04:14:33,123 ERROR timed out after 1 ms\n");
    EXPECT_EQ(events(100'000).size(), 1U);  // A minute later it is news again.
}

TEST_F(Collecting, a_clock_that_was_set_back_silences_no_complaint) {
    constexpr std::int64_t hour = 3'600'000;
    watch("*.log");
    const std::string line = "2026-11-28 04:12:33,123 ERROR timed out\n";
    folder.append("f.log", line);
    EXPECT_EQ(events(2 * hour).size(), 1U);
    folder.append("f.log", line);
    EXPECT_EQ(events(hour).size(), 1U);
    folder.append("f.log", line);
    EXPECT_EQ(events(hour + 2'000).size(), 0U) << "from then on as before";
}

TEST_F(Collecting, a_flood_is_limited_and_what_is_dropped_is_counted) {
    options.events_per_minute_max = 5;
    watch("*.log");
    for (int i = 1; i < 100; ++i) folder.append("f.log", error(i));
    EXPECT_EQ(events(1'000).size(), 5U);
    const Observation after = collector->look({3'000});
    EXPECT_EQ(recorded::value(after,
                              "log_dropped_total{cluster=\"lab\",component=\"flink\",node=\"tm-1\",reason=\"events-"
                              "over-limit\",source=\"" +
                                  folder.file("*.log") + "\"}"),
              94);
}

TEST_F(Collecting, hostile_lines_harm_nobody) {
    watch("*.log");
    folder.append("f.log", std::string(100'000, '\0') + "\n" + std::string(2'000'000, 'z') +
                               "\n\x1b[2J2026-11-28 04:12:33,123 ERROR \x1b[5mblink\n");
    options.tail.bytes_per_look_max = 4 * 1024 * 1024;
    watch("*.log");
    const auto found = events(1'000);
    for (const Event& event : found) {
        EXPECT_LE(event.text.size(), RecordJoiner::record_bytes_max);
        EXPECT_EQ(event.text.find('\x1b'), std::string::npos);
    }
}

TEST_F(Collecting, new_files_of_the_glob_are_found) {
    watch("*.log");
    folder.append("a.log", "2026-11-28 04:12:33,123 INFO  x\n");
    (void)events(1'000);
    folder.append("b.log", error(1));
    EXPECT_EQ(events(20'000).size(), 1U);
}

TEST_F(Collecting, no_file_is_not_a_quiet_log) {
    watch("none/*.log");
    const Observation seen = collector->look({1'000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
    EXPECT_NE(seen.error.find("no file"), std::string::npos);
}

// --- The journal

std::vector<JournalLine> journal_lines;

class FakeJournal : public JournalReader {
public:
    Result<std::vector<JournalLine>> read(std::size_t lines_max) override {
        if (journal_lines.empty() && fails) return fail(ErrorCode::unavailable, "can't open: Permission denied");
        std::vector<JournalLine> some = std::exchange(journal_lines, {});
        some.resize(std::min(some.size(), lines_max));
        return some;
    }
    static bool fails;
};
bool FakeJournal::fails = false;

LogCollector of_unit() {
    LogCollectorOptions options{.cluster = "lab", .target = "lab/logs"};
    options.sources = {{.path = "", .unit = "kafka.service", .node = "broker-1", .component = "kafka"}};
    options.open_journal = [](const std::string&) -> std::unique_ptr<JournalReader> {
        return std::make_unique<FakeJournal>();
    };
    return LogCollector(std::move(options));
}

TEST(Journal, a_unit_tells_errors_by_text_or_by_priority) {
    FakeJournal::fails = false;
    LogCollector collector = of_unit();
    journal_lines = {{{1'000}, 6, "[2026-11-28 04:12:33,123] ERROR disk is full (kafka.log.LogManager)"},
                     {{1'100}, 3, "kafka.service: Main process exited, code=killed, status=9/KILL"},
                     {{1'200}, 6, "Started Kafka."}};
    Observation seen = collector.look({2'000});
    const Observation rest = collector.look({3'000});
    seen.events.insert(seen.events.end(), rest.events.begin(), rest.events.end());
    ASSERT_EQ(seen.events.size(), 1U);  // The second line has no time and belongs to the first.
    EXPECT_NE(seen.events[0].text.find("code=killed"), std::string::npos);
    EXPECT_EQ(seen.events[0].subject, (Subject{"lab", "node", "broker-1"}));
}

TEST(Journal, a_stop_by_request_is_told_and_each_one_anew) {
    FakeJournal::fails = false;
    LogCollector collector = of_unit();
    for (std::int64_t at : {1'000, 60'000}) {
        journal_lines = {
            {{at}, 6, "[2026-11-28 04:12:33,123] INFO Terminating process due to signal SIGTERM (kafka.Lo)"},
            {{at}, 6, "[2026-11-28 04:12:33,124] INFO [KafkaServer id=1] shut down completed (kafka.server)"}};
        Observation seen = collector.look({at + 100});
        const Observation rest = collector.look({at + 1'100});
        seen.events.insert(seen.events.end(), rest.events.begin(), rest.events.end());
        ASSERT_EQ(seen.events.size(), 1U) << "the second line is also that of a shutdown that a fault began";
        EXPECT_EQ(seen.events[0].kind, "clean-stop");
        EXPECT_EQ(seen.events[0].fields.at("node"), "broker-1");
    }
}

TEST(Journal, one_that_cannot_be_read_says_so) {
    FakeJournal::fails = true;
    LogCollector collector = of_unit();
    const Observation seen = collector.look({1'000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_NE(seen.error.find("Permission denied"), std::string::npos);
}

// The library itself, on whatever host this is: with or without a journal it answers, and knows no such unit.
TEST(Journal, of_a_unit_that_does_not_exist_is_quiet_or_says_why_not) {
    const auto journal = open_journal("streammedic-no-such-unit.service");
    const auto lines = journal->read(10);
    if (lines) {
        EXPECT_TRUE(lines->empty());
    } else {
        EXPECT_FALSE(lines.error().message.empty());
    }
}

}  // namespace
}  // namespace medic
