// A matrix as /api/v1/query_range gives it, without building a tree of it: an answer may hold millions of points.
#include <cmath>
#include <limits>

#include "agent/backtest/history.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/collectors/json_internal.h"

namespace medic::backtest {
namespace {

using json_read::Json;

// Depth of objects and arrays: 1 the document, 2 data, 3 result, 4 a series, 5 its labels or values, 6 a point.
class Reader : public nlohmann::json_sax<Json> {
public:
    explicit Reader(RecordedSpan& span) : span_(span) {}

    std::string status, error, result_type;
    std::vector<std::string> warnings;
    bool partial = false;

    bool null() override { return true; }
    bool boolean(bool value) override {
        if (depth_ == 1 && key_ == "isPartial") partial = value;  // VictoriaMetrics.
        return true;
    }
    bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
    bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
    bool number_float(number_float_t value, const string_t&) override { return number(value); }
    bool string(string_t& value) override {
        if (depth_ == 1 && key_ == "status") status = value;
        if (depth_ == 1 && key_ == "error") error = value;
        if (depth_ == 2 && key_ == "resultType") result_type = value;
        if (depth_ == 2 && key_ == "warnings") warnings.push_back(value.substr(0, 200));
        if (depth_ == 5 && in_ == In::metric) {
            if (key_ == "__name__")
                series_.name = value;
            else
                series_.labels.emplace_back(key_, value);
        }
        if (depth_ == 6 && in_ == In::values) point(value);
        return true;
    }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override {
        ++depth_;
        if (depth_ == 4) begin_series();
        if (depth_ == 5) in_ = key_ == "metric" ? In::metric : In::other;
        return true;
    }
    bool key(string_t& value) override {
        key_ = value;
        return true;
    }
    bool end_object() override {
        if (depth_ == 4 && !series_.name.empty()) span_.series.push_back(std::move(series_));
        if (depth_ == 5) in_ = In::other;
        --depth_;
        return true;
    }
    bool start_array(std::size_t) override {
        ++depth_;
        if (depth_ == 5) in_ = key_ == "values" ? In::values : In::other;
        return true;
    }
    bool end_array() override {
        if (depth_ == 5) in_ = In::other;
        --depth_;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const Json::exception&) override { return false; }

private:
    enum class In : std::uint8_t { other, metric, values };

    void begin_series() {
        series_ = {};
        series_.values.assign(span_.steps, std::numeric_limits<double>::quiet_NaN());
    }
    bool number(double value) {
        if (depth_ == 6 && in_ == In::values) time_s_ = value;
        return true;
    }
    void point(const std::string& text) {
        const auto value = json_read::number_in_text(text);
        const auto index = std::llround((time_s_ * 1'000 - static_cast<double>(span_.from.unix_ms)) /
                                        static_cast<double>(span_.step.count()));
        if (value && index >= 0 && static_cast<std::size_t>(index) < series_.values.size())
            series_.values[static_cast<std::size_t>(index)] = *value;
    }

    RecordedSpan& span_;
    RecordedSeries series_;
    std::string key_;
    int depth_ = 0;
    In in_ = In::other;
    double time_s_ = 0;
};

// A refusal that says that less would be answered.
bool wants_less(int status, const std::string& said) {
    for (const char* word : {"too many", "maximum", "exceed", "limit", "timed out", "timeout", "too large"})
        if (said.find(word) != std::string::npos) return true;
    return status == 504 || status == 413;
}

std::unexpected<Error> refusal(const HttpAnswer& answer) {
    const Json body = foreign_json(answer.body);
    std::string said = json_read::text(body, "error").substr(0, 300);
    if (wants_less(answer.status, said)) return fail(ErrorCode::outdated, "HTTP status {}: {}", answer.status, said);
    if (!said.empty()) said.insert(0, ": ");
    if (answer.status == 401 || answer.status == 403) said += " (expected credentials that may query: see --access)";
    if (answer.status == 404) said += " (expected the address of a query API, without /api/v1)";
    return fail(answer.status >= 500 ? ErrorCode::unavailable : ErrorCode::invalid, "HTTP status {}{}", answer.status,
                said);
}

}  // namespace

Status read_range_answer(const HttpAnswer& answer, RecordedSpan& span, std::vector<std::string>& warnings) {
    if (answer.status != 200) return refusal(answer);
    const auto first = answer.body.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || answer.body[first] != '{')
        return fail(ErrorCode::invalid, "expected JSON, got {} of {} bytes: is this the address of a query API?",
                    first != std::string::npos && answer.body[first] == '<' ? "an HTML page" : "something else",
                    answer.body.size());
    const std::size_t before = span.series.size();
    Reader reader(span);
    if (!Json::sax_parse(answer.body, &reader)) {
        span.series.resize(before);
        return fail(ErrorCode::invalid, "the answer of {} bytes breaks off or is no JSON: expected a whole matrix",
                    answer.body.size());
    }
    if (reader.status != "success" || reader.result_type != "matrix") {
        span.series.resize(before);
        if (wants_less(answer.status, reader.error)) return fail(ErrorCode::outdated, "{}", reader.error);
        return fail(ErrorCode::invalid, "expected a matrix from /api/v1/query_range{}{}",
                    reader.error.empty() ? "" : ": ", reader.error.substr(0, 300));
    }
    warnings = std::move(reader.warnings);
    if (reader.partial) warnings.emplace_back("the server calls its answer partial");
    return {};
}

}  // namespace medic::backtest
