#include "agent/collectors/flink/flink_logs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

constexpr WallTime now{1'795'339'769'000};
constexpr std::int64_t second = 1'000, minute = 60 * second, hour = 60 * minute;

// Flink's layout (log4j.properties of its distribution), in this host's zone.
std::string line(WallTime at, const std::string& rest) {
    const std::time_t seconds = at.unix_ms / 1000;
    std::tm parts = {};
    localtime_r(&seconds, &parts);
    char text[32];
    (void)std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S,000 ", &parts);
    return text + rest + "\n";
}

std::string failure(WallTime at) {
    return line(at,
                "ERROR org.apache.flink.runtime.taskexecutor.TaskExecutor [] - Metaspace is gone, password=hunter2") +
           "java.lang.OutOfMemoryError: Metaspace\n\tat java.lang.ClassLoader.defineClass1(Native Method)\n" +
           "Caused by: java.io.IOException: disk\n\t... 3 more\n";
}

// A job manager that hands out its own log and those of the task managers tm-1 and tm-2.
struct Flink {
    std::string state = "RUNNING", exceptions = R"({"exceptionHistory":{"entries":[]}})";
    std::string own, tm1;
    std::int64_t end_ms = -1, written_ms = 0;
    std::size_t tail = 0;  // What the fetcher keeps; 0: all.
    std::vector<std::string> asked;

    void throws(WallTime at, const std::string& task_manager) {
        exceptions = R"({"exceptionHistory":{"entries":[{"exceptionName":"x","stacktrace":"x","timestamp":)" +
                     std::to_string(at.unix_ms) + R"(,"taskManagerId":")" + task_manager +
                     R"(","concurrentExceptions":[]}]}})";
    }
    [[nodiscard]] std::string list(const std::string& name, const std::string& text) const {
        const std::string mtime = written_ms > 0 ? R"(,"mtime":)" + std::to_string(written_ms) : "";
        return R"({"logs":[{"name":"gc.log","size":5,"mtime":9999999999999},{"name":")" + name + R"(","size":)" +
               std::to_string(text.size()) + mtime + R"(},{"name":")" + name + R"(.1","size":7}]})";
    }
    [[nodiscard]] Result<HttpAnswer> file(const std::string& text) const {
        const std::size_t out = tail == 0 || text.size() <= tail ? 0 : text.size() - tail;
        return HttpAnswer{200, "text/plain", text.substr(out), out};
    }
    Result<HttpAnswer> answer(const std::string& url) {
        asked.push_back(url);
        const auto ends = [&](std::string_view with) { return url.ends_with(with); };
        if (ends("/jobs/overview"))
            return recorded::ok(R"({"jobs":[{"jid":"f3354c755bba6d905a16c736d2ee5153","name":"orders","state":")" +
                                state + R"(","end-time":)" + std::to_string(end_ms) + "}]}");
        if (url.find("/exceptions?") != std::string::npos) return recorded::ok(exceptions);
        if (ends("/taskmanagers"))
            return recorded::ok(R"({"taskmanagers":[{"id":"tm-1"},{"id":"tm-2"},{"id":"../jars"}]})");
        if (ends("/jobmanager/logs")) return recorded::ok(list("flink-jobmanager.log", own));
        if (ends("/jobmanager/logs/flink-jobmanager.log")) return file(own);
        if (ends("/taskmanagers/tm-1/logs")) return recorded::ok(list("flink-taskmanager.log", tm1));
        if (ends("/taskmanagers/tm-1/logs/flink-taskmanager.log")) return file(tm1);
        return HttpAnswer{404, "application/json", "{}"};
    }
    [[nodiscard]] bool was_asked(std::string_view with) const {
        return std::ranges::any_of(asked, [&](const std::string& url) { return url.ends_with(with); });
    }
};

FlinkLogOptions options() { return {.cluster = "lab", .url = "http://jm:8081", .target = "lab/flink-logs"}; }

Observation look(FlinkLogCollector& collector, Flink& flink, WallTime at) {
    flink.asked.clear();
    return recorded::look(collector, at, [&](const std::string& url) { return flink.answer(url); });
}

TEST(FlinkLogs, a_job_in_trouble_has_the_logs_read_that_its_exceptions_name) {
    Flink flink;
    flink.throws(now - Duration{10 * second}, "tm-1");
    flink.own = line(now, "INFO  o.a.f.JobMaster [] - nothing");
    flink.tm1 = failure(now - Duration{10 * second}) + line(now, "INFO  o.a.f.Task [] - on it goes");
    FlinkLogCollector collector(options());
    const Observation seen = look(collector, flink, now);
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    ASSERT_EQ(seen.events.size(), 1U);
    const Event& event = seen.events[0];
    EXPECT_EQ(event.kind, "log");
    EXPECT_EQ(event.subject, (Subject{"lab", "taskmanager", "tm-1"}));
    EXPECT_EQ(event.at, (now - Duration{10 * second}));
    EXPECT_EQ(event.fields.at("taskmanager"), "tm-1");
    EXPECT_EQ(event.fields.at("component"), "flink");
    EXPECT_NE(event.text.find("Caused by: java.io.IOException: disk"), std::string::npos) << "the whole trace";
    EXPECT_EQ(event.text.find("hunter2"), std::string::npos);
    EXPECT_FALSE(flink.was_asked("/taskmanagers/tm-2/logs")) << "nobody named it";
    EXPECT_EQ(recorded::value(seen,
                              "log_records_total{cluster=\"lab\",component=\"flink\",level=\"ERROR\",source="
                              "\"http://jm:8081\"}"),
              1);
}

TEST(FlinkLogs, a_healthy_cluster_costs_two_questions_and_now_and_then_the_job_managers_log) {
    Flink flink;
    flink.own = line(now, "INFO  o.a.f.JobMaster [] - nothing");
    flink.throws(now - Duration{hour}, "tm-1");  // Long over.
    FlinkLogCollector collector(options());
    EXPECT_TRUE(look(collector, flink, now).events.empty());
    EXPECT_TRUE(flink.was_asked("/jobmanager/logs"));
    EXPECT_FALSE(flink.was_asked("/taskmanagers/tm-1/logs"));
    flink.own += line(now, "INFO  o.a.f.JobMaster [] - more");
    (void)look(collector, flink, now + Duration{minute});
    EXPECT_FALSE(flink.was_asked("/jobmanager/logs"));
    (void)look(collector, flink, now + Duration{11 * minute});
    EXPECT_TRUE(flink.was_asked("/jobmanager/logs/flink-jobmanager.log"));
    // What has not grown is not read again.
    (void)look(collector, flink, now + Duration{22 * minute});
    EXPECT_TRUE(flink.was_asked("/jobmanager/logs"));
    EXPECT_FALSE(flink.was_asked("/jobmanager/logs/flink-jobmanager.log"));
}

TEST(FlinkLogs, a_job_that_failed_lately_is_trouble_and_one_that_failed_long_ago_is_none) {
    Flink flink;
    flink.own = failure(now);
    flink.state = "FAILED";
    flink.end_ms = now.unix_ms - minute;
    FlinkLogCollector collector(options());
    EXPECT_EQ(look(collector, flink, now).events.size(), 1U);
    flink.end_ms = now.unix_ms - hour;
    flink.own += failure(now);
    EXPECT_TRUE(look(collector, flink, now + Duration{2 * minute}).events.empty());
    EXPECT_FALSE(flink.was_asked("/jobmanager/logs"));
}

TEST(FlinkLogs, only_what_is_new_since_the_last_reading_is_told) {
    Flink flink;
    flink.throws(now, "tm-1");
    flink.tm1 = failure(now - Duration{2 * minute});
    FlinkLogCollector collector(options());
    EXPECT_EQ(look(collector, flink, now).events.size(), 1U);
    EXPECT_TRUE(look(collector, flink, now + Duration{30 * second}).events.empty());
    EXPECT_FALSE(flink.was_asked("/taskmanagers/tm-1/logs")) << "not again so soon";
    const std::string half = line(now, "ERROR o.a.f.Other [] - half a li");
    flink.tm1 += half.substr(0, half.size() - 1);  // Its end has not come yet.
    EXPECT_TRUE(look(collector, flink, now + Duration{minute}).events.empty());
    flink.tm1 += "ne\n";
    const auto third = look(collector, flink, now + Duration{2 * minute});
    ASSERT_EQ(third.events.size(), 1U);
    EXPECT_NE(third.events[0].text.find("half a line"), std::string::npos);
}

TEST(FlinkLogs, a_file_begun_anew_is_read_from_its_beginning) {
    Flink flink;
    flink.throws(now, "tm-1");
    flink.tm1 = line(now, std::string(2'000, 'x')) + line(now, "INFO a [] - b");
    FlinkLogCollector collector(options());
    EXPECT_TRUE(look(collector, flink, now).events.empty());
    flink.tm1 = failure(now);
    EXPECT_EQ(look(collector, flink, now + Duration{minute}).events.size(), 1U);
}

TEST(FlinkLogs, the_end_of_a_long_file_is_read_from_a_whole_line_on) {
    Flink flink;
    flink.throws(now, "tm-1");
    flink.tail = 1'000;
    flink.tm1 = line(now, "ERROR a.b.C [] - " + std::string(5'000, 'x')) + failure(now);
    FlinkLogCollector collector(options());
    const auto seen = look(collector, flink, now);
    ASSERT_EQ(seen.events.size(), 1U);
    EXPECT_NE(seen.events[0].text.find("OutOfMemoryError"), std::string::npos);
    EXPECT_EQ(seen.events[0].text.find("xxx"), std::string::npos);
}

TEST(FlinkLogs, a_file_over_the_limit_is_not_asked_for_and_that_is_told) {
    Flink flink;
    flink.throws(now, "tm-1");
    flink.tm1 = failure(now);
    auto small = options();
    small.file_bytes_max = 100;
    FlinkLogCollector collector(small);
    const auto seen = look(collector, flink, now);
    EXPECT_TRUE(seen.events.empty());
    EXPECT_FALSE(flink.was_asked("flink-taskmanager.log"));
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_NE(seen.error.find("over 100"), std::string::npos) << seen.error;
}

TEST(FlinkLogs, lines_of_another_zone_get_their_time_from_when_the_file_was_written) {
    Flink flink;
    flink.throws(now, "tm-1");
    flink.written_ms = now.unix_ms - 20 * second;
    flink.tm1 =
        failure(now - Duration{2 * hour + 80 * second}) + line(now - Duration{2 * hour + 20 * second}, "INFO a [] - b");
    FlinkLogCollector collector(options());
    const auto seen = look(collector, flink, now);
    ASSERT_EQ(seen.events.size(), 1U);
    EXPECT_EQ(seen.events[0].at, (now - Duration{80 * second}));
}

TEST(FlinkLogs, what_happened_long_before_the_first_reading_is_left) {
    Flink flink;
    flink.throws(now, "tm-1");
    flink.written_ms = now.unix_ms;
    flink.tm1 = failure(now - Duration{5 * hour}) + line(now, "INFO a [] - b");
    FlinkLogCollector collector(options());
    EXPECT_TRUE(look(collector, flink, now).events.empty());
}

TEST(FlinkLogs, no_answer_is_no_quiet_log) {
    FlinkLogCollector collector(options());
    const auto deaf = recorded::look(collector, now, [](const std::string&) -> Result<HttpAnswer> {
        return fail(ErrorCode::unavailable, "refused");
    });
    EXPECT_EQ(deaf.outcome, ScrapeOutcome::partial);
    EXPECT_NE(deaf.error.find("refused"), std::string::npos);
    // A Flink that logs to the console only.
    Flink flink;
    flink.throws(now, "tm-2");
    const auto none = look(collector, flink, now);
    EXPECT_TRUE(flink.was_asked("/taskmanagers/tm-2/logs"));
    EXPECT_TRUE(none.events.empty());
    Flink console;
    console.state = "RESTARTING";
    FlinkLogCollector other(options());
    const auto empty = recorded::look(other, now, [&](const std::string& url) {
        return url.ends_with("/logs") ? recorded::ok(R"({"logs":[]})") : console.answer(url);
    });
    EXPECT_EQ(empty.outcome, ScrapeOutcome::partial);
    EXPECT_NE(empty.error.find("console"), std::string::npos);
}

TEST(FlinkLogs, names_that_are_none_are_not_asked_for) {
    Flink flink;
    flink.throws(now, "../jars");
    FlinkLogCollector collector(options());
    (void)look(collector, flink, now);
    for (const std::string& url : flink.asked) EXPECT_EQ(url.find(".."), std::string::npos) << url;
}

TEST(FlinkLogs, a_storm_is_bounded) {
    Flink flink;
    flink.throws(now, "tm-1");
    for (int i = 0; i < 300; ++i)
        flink.tm1 += line(now, "ERROR a.b.C [] - " + std::string(static_cast<std::size_t>(i % 50) + 1, 'x') +
                                   std::string(1, static_cast<char>('a' + i % 26)));
    auto few = options();
    few.limits.events_per_minute_max = 10;
    FlinkLogCollector collector(few);
    EXPECT_EQ(look(collector, flink, now).events.size(), 10U);
}

}  // namespace
}  // namespace medic
