// A Prometheus that remembers what a test says: answers /api/v1/query_range from functions of time. Only for tests.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "agent/base/labels.h"
#include "agent/base/time.h"
#include "agent/collectors/look.h"
#include "agent/world/real/http_server.h"

namespace medic::backtest {

class FakePrometheus {
public:
    using Value = std::function<std::optional<double>(int second)>;

    explicit FakePrometheus(WallTime zero) : zero_(zero) {}

    FakePrometheus& series(const std::string& name, std::vector<LabelPair> labels, Value value) {
        series_.push_back({name, std::move(labels), std::move(value)});
        return *this;
    }
    FakePrometheus& constant(const std::string& name, std::vector<LabelPair> labels, double value) {
        return series(name, std::move(labels), [value](int) { return value; });
    }
    FakePrometheus& without(const std::string& name) {
        std::erase_if(series_, [&](const Series& one) { return one.name == name; });
        return *this;
    }
    // Said with every answer.
    std::string warning;
    // Questions for more moments than this are refused, as Prometheus does.
    std::size_t points_max = 11'000;

    [[nodiscard]] HttpAnswer answer(const std::string& target) const {
        const double start = number(target, "start="), end = number(target, "end="), step = number(target, "step=");
        const auto points = static_cast<std::size_t>((end - start) / step) + 1;
        if (points > points_max)
            return {422, "application/json",
                    R"({"status":"error","errorType":"bad_data","error":"exceeded maximum resolution"})"};
        const std::string query = url_decode(value(target, "query="), UrlPart::query).value_or("");
        std::string result;
        for (const Series& one : series_)
            if (asked(query, one.name)) result += matrix_entry(one, start, step, points, result.empty());
        return {200, "application/json",
                fmt::format(R"({{"status":"success",{}"data":{{"resultType":"matrix","result":[{}]}}}})",
                            warning.empty() ? "" : fmt::format(R"("warnings":["{}"],)", warning), result)};
    }

private:
    struct Series {
        std::string name;
        std::vector<LabelPair> labels;
        Value value;
    };
    static std::string value(const std::string& target, const std::string& key) {
        const auto at = target.find(key);
        if (at == std::string::npos) return "";
        return target.substr(at + key.size(), target.find('&', at) - at - key.size());
    }
    static double number(const std::string& target, const std::string& key) {
        return std::strtod(value(target, key).c_str(), nullptr);
    }
    static bool asked(const std::string& query, const std::string& name) {
        const auto at = query.find(name);
        for (auto from = at; from != std::string::npos; from = query.find(name, from + 1)) {
            const char before = query[from - 1], after = query[from + name.size()];
            if ((before == '"' || before == '|') && (after == '"' || after == '|')) return true;
        }
        return false;
    }
    [[nodiscard]] std::string matrix_entry(const Series& one, double start, double step, std::size_t points,
                                           bool first) const {
        std::string values;
        for (std::size_t i = 0; i < points; ++i) {
            const double at = start + step * static_cast<double>(i);
            const auto said = one.value(static_cast<int>(at - static_cast<double>(zero_.unix_ms) / 1'000));
            if (said) values += fmt::format(R"({}[{:.3f},"{}"])", values.empty() ? "" : ",", at, *said);
        }
        if (values.empty()) return "";
        std::string labels = fmt::format(R"("__name__":"{}")", one.name);
        for (const auto& [key, text] : one.labels) labels += fmt::format(R"(,"{}":"{}")", key, text);
        return fmt::format(R"({}{{"metric":{{{}}},"values":[{}]}})", first ? "" : ",", labels, values);
    }

    WallTime zero_;
    std::vector<Series> series_;
};

// A job manager, two task managers and a job on both, as Flink's Prometheus reporter and a scrape tell of them. The
// second task manager is gone from second `gone` on for `away` seconds; its successor has another id.
struct FlinkScene {
    int gone = 1'500, away = 600;
    bool lost = true;

    [[nodiscard]] FakePrometheus recorded(WallTime zero) const {
        FakePrometheus all(zero);
        // 50 s: Flink's default of heartbeat.timeout. The job falls as soon as the connection breaks.
        const auto is_away = [*this](int s) { return lost && s >= gone && s < gone + away; };
        const auto runs = [*this](int s) { return !lost || s < gone + 10 || s >= gone + away + 30; };
        const LabelPair manager{"instance", "jm:9249"}, job{"job_name", "orders"};
        all.constant("up", {manager, {"job", "flink"}}, 1);
        all.series("flink_jobmanager_numRegisteredTaskManagers", {manager},
                   [*this](int s) { return lost && s >= gone + 50 && s < gone + away ? 1.0 : 2.0; });
        const std::vector<LabelPair> of_job{manager, job, {"job_id", "f3354c755bba6d905a16c736d2ee5153"}};
        all.series("flink_jobmanager_job_runningTime", of_job, [=](int s) { return runs(s) ? 1'000.0 : 0.0; });
        all.series("flink_jobmanager_job_restartingTime", of_job, [=](int s) { return runs(s) ? 0.0 : 1'000.0; });
        all.series("flink_jobmanager_job_numberOfCompletedCheckpoints", of_job, [*this](int s) {
            if (!lost || s < gone) return s / 30;
            return (gone + std::max(0, s - gone - away - 30)) / 30;
        });
        all.constant("flink_jobmanager_job_numberOfFailedCheckpoints", of_job, 0);
        all.series("flink_jobmanager_job_numRestarts", of_job,
                   [*this](int s) { return lost && s >= gone + 10 ? 1.0 : 0.0; });
        for (int i = 1; i <= 2; ++i) {
            const LabelPair instance{"instance", fmt::format("tm-{}:9249", i)};
            all.series("up", {instance, {"job", "flink"}}, [=](int s) { return i == 2 && is_away(s) ? 0.0 : 1.0; });
            for (const bool successor : {false, true}) {
                if (successor && (i == 1 || !lost)) continue;
                const LabelPair id{"tm_id", fmt::format("10.0.0.{}:4711-{}", i, successor ? "b2" : "a1")};
                const auto there = [*this, i, successor](int s) {
                    if (i == 1 || !lost) return true;
                    return successor ? s >= gone + away : s < gone;
                };
                const auto value = [=](int s, double said) { return there(s) ? std::optional(said) : std::nullopt; };
                all.series("flink_taskmanager_Status_JVM_CPU_Load", {instance, id},
                           [=](int s) { return value(s, 0.1); });
                all.series("flink_taskmanager_job_task_numRecordsIn",
                           {instance, id, job, {"task_name", "count"}, {"subtask_index", fmt::format("{}", i - 1)}},
                           [=](int s) { return runs(s) ? value(s, s * 10.0) : std::nullopt; });
            }
        }
        return all;
    }
};

}  // namespace medic::backtest
