#include "agent/backtest/history.h"

#include <algorithm>
#include <set>

#include "agent/base/url.h"
#include "agent/collectors/prometheus/canonical.h"
#include "agent/collectors/prometheus/server.h"
#include "agent/world/real/http_server.h"

namespace medic::backtest {
namespace {

constexpr std::size_t warnings_max = 20;

std::vector<std::string> selectors(const std::string& match, std::size_t bytes_max) {
    std::set<std::string> names;
    const CanonicalNames& canonical = CanonicalNames::built_in();
    for (const std::string& name : canonical.page_names()) names.insert(name);
    // Our own names: where recording rules or another exporter tell what pages do not.
    for (const CanonicalSeries& series : canonical.series())
        if (!series.name.starts_with("medic_")) names.insert(series.name);
    names.insert(helper_series().begin(), helper_series().end());
    std::vector<std::string> batches, result;
    for (const std::string& name : names) {
        if (batches.empty() || batches.back().size() + name.size() > bytes_max) batches.emplace_back();
        (batches.back() += batches.back().empty() ? "" : "|") += name;
    }
    for (const std::string& batch : batches) result.push_back(with_matcher(match, "__name__=~\"" + batch + "\""));
    return result;
}

// 422, 503, 504 and broken limits: servers differ in how they say that a query is too dear.
bool too_much(const Error& error) {
    return error.code == ErrorCode::outdated || error.code == ErrorCode::outcome_unknown ||
           error.message.find("limit") != std::string::npos || error.message.find("larger") != std::string::npos;
}

}  // namespace

const std::vector<std::string>& helper_series() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all = {"up", "flink_jobmanager_numRegisteredTaskManagers",
                                        "flink_taskmanager_Status_JVM_CPU_Load"};
        for (const char* state :
             {"running", "restarting", "failing", "cancelling", "initializing", "created", "deploying"})
            for (const char* what : {"Time", "State"})
                all.push_back(std::string("flink_jobmanager_job_") + state + what);
        return all;
    }();
    return names;
}

History::History(HistoryOptions options, Fetch fetch)
    : options_(std::move(options)),
      fetch_(std::move(fetch)),
      selectors_(selectors(options_.match, options_.query_bytes_max)),
      span_steps_(std::min(options_.span_steps, options_.points_per_query_max)) {}

void History::warn(const std::string& what) {
    if (warnings_.size() < warnings_max && std::ranges::find(warnings_, what) == warnings_.end())
        warnings_.push_back(what);
}

Result<HttpAnswer> History::get(const std::string& url) {
    for (int attempt = 1;; ++attempt) {
        ++queries_;
        auto answer = fetch_(url);
        if (answer || answer.error().code != ErrorCode::unavailable || attempt >= options_.tries_max) return answer;
    }
}

Result<RecordedSpan> History::ask(WallTime from, std::size_t steps) {
    RecordedSpan span{.from = from, .step = options_.step, .steps = steps, .series = {}};
    const auto seconds = [](std::int64_t ms) { return fmt::format("{}.{:03}", ms / 1'000, ms % 1'000); };
    for (const std::string& selector : selectors_) {
        const std::string url =
            fmt::format("{}/api/v1/query_range?query={}&start={}&end={}&step={}", options_.url, url_encode(selector),
                        seconds(from.unix_ms), seconds(span.at(steps - 1).unix_ms), seconds(options_.step.count()));
        const auto answer = get(url);
        if (!answer) {
            // A query is long, and says nothing to whoever reads that a connection failed.
            Error error = answer.error();
            if (const auto at = error.message.find(url); at != std::string::npos)
                error.message.replace(at, url.size(), options_.url);
            return std::unexpected(std::move(error));
        }
        std::vector<std::string> said;
        MEDIC_CHECK(read_range_answer(*answer, span, said));
        for (const std::string& one : said) warn(one);
        if (span.series.size() * steps > options_.span_values_max)
            return fail(ErrorCode::outdated, "{} series at {} moments are more than is held at a time: limit {} values",
                        span.series.size(), steps, options_.span_values_max);
    }
    return span;
}

Result<RecordedSpan> History::read(WallTime from, WallTime to) {
    const auto left = static_cast<std::size_t>((to - from) / options_.step) + 1;
    for (;;) {
        const std::size_t steps = std::min(span_steps_, left);
        auto span = ask(from, steps);
        if (span) return span;
        if (!too_much(span.error()) || steps <= options_.span_steps_min)
            return wrap(std::move(span).error(), options_.url);
        span_steps_ = std::max(options_.span_steps_min, steps / 2);
    }
}

}  // namespace medic::backtest
