#include <charconv>
#include <cmath>

#include <re2/re2.h>

#include "agent/base/yaml.h"
#include "classifiers/rules/promql/parser.h"
#include "classifiers/rules/script/evaluation_internal.h"

namespace medic::script {

std::string_view trim(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view take_word(std::string_view& text) {
    text = trim(text);
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    const std::string_view word = text.substr(0, end);
    text = trim(text.substr(end));
    return word;
}

Result<std::int64_t> parse_time_ms(std::string_view text) {
    const bool negative = text.starts_with('-');
    const std::string_view digits = negative ? text.substr(1) : text;
    double seconds = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    std::int64_t ms = 0;
    if (code == std::errc{} && end == digits.data() + digits.size()) {
        ms = std::llround(seconds * 1000);
    } else {
        MEDIC_TRY(const Duration duration, parse_duration(digits));
        ms = duration.count();
    }
    return negative ? -ms : ms;
}

namespace {

// from T to T step T
Result<RangeVector> read_range(std::string_view& text) {
    RangeVector range;
    for (const auto& [word, into] :
         {std::pair{std::string_view("from"), &range.start_ms}, std::pair{std::string_view("to"), &range.end_ms},
          std::pair{std::string_view("step"), &range.step_ms}}) {
        const std::string_view found = take_word(text);
        if (found != word) return fail(ErrorCode::invalid, "expected \"{}\", found \"{}\"", word, found);
        MEDIC_TRY(*into, parse_time_ms(take_word(text)));
    }
    if (range.step_ms <= 0) return fail(ErrorCode::invalid, "expected a step greater than 0");
    return range;
}

Result<Remark> read_remark(std::string_view text) {
    Remark remark;
    const auto colon = text.find(':');
    const std::string_view kind = trim(text.substr(0, colon));
    if (text.empty()) return remark;
    if (colon == std::string_view::npos || (kind != "msg" && kind != "regex"))
        return fail(ErrorCode::invalid, "expected msg: or regex:, found \"{}\"", text);
    remark.match = kind == "msg" ? Remark::Match::exact : Remark::Match::regex;
    remark.text = trim(text.substr(colon + 1));
    return remark;
}

}  // namespace

bool Remark::agrees(std::string_view found) const {
    switch (match) {
        case Match::any: return true;
        case Match::exact: return found == text;
        case Match::regex:
            return RE2::PartialMatch(re2::StringPiece(found.data(), found.size()), RE2(text, RE2::Quiet));
    }
    return false;
}

Status Evaluation::read_head(std::string_view head) {
    // The old spelling has the expectation in the command: eval_fail, eval_ordered, eval_warn, eval_info.
    const std::string_view command = take_word(head);
    if (command == "eval_fail")
        failures.emplace_back();
    else if (command == "eval_ordered")
        ordered = true;
    else if (command == "eval_warn")
        warnings.emplace_back();
    else if (command == "eval_info")
        infos.emplace_back();
    else if (command != "eval")
        return fail(ErrorCode::invalid, "unknown command: {}", command);
    const std::string_view kind = take_word(head);
    range = kind == "range";
    if (range) {
        MEDIC_TRY(const RangeVector times, read_range(head));
        start_ms = times.start_ms;
        end_ms = times.end_ms;
        step_ms = times.step_ms;
    } else if (kind == "instant") {
        std::string_view rest = head;
        if (take_word(rest) == "at") {
            MEDIC_TRY(start_ms, parse_time_ms(take_word(rest)));
            head = rest;
        }
        end_ms = start_ms;
    } else {
        return fail(ErrorCode::invalid, "expected instant or range, found \"{}\"", kind);
    }
    expression = head;
    return {};
}

Status Evaluation::read_line(std::string_view written) {
    std::string_view rest = written;
    const std::string_view word = take_word(rest);
    if (word == "expect") return read_expect(rest);
    if (word == "expected_fail_message" || word == "expected_fail_regexp") {
        const auto match = word == "expected_fail_message" ? Remark::Match::exact : Remark::Match::regex;
        failures.push_back({match, std::string(rest)});
        return {};
    }
    expected.emplace_back(written);
    return {};
}

Status Evaluation::read_expect(std::string_view rest) {
    const std::string_view what = take_word(rest);
    if (what == "fail" || what == "warn" || what == "info") {
        MEDIC_TRY(Remark remark, read_remark(rest));
        (what == "fail" ? failures : what == "warn" ? warnings : infos).push_back(std::move(remark));
    } else if (what == "no_warn") {
        no_warnings = true;
    } else if (what == "no_info") {
        no_infos = true;
    } else if (what == "ordered") {
        ordered = true;
    } else if (what == "string") {
        text = std::string(rest);
    } else if (what == "range" && take_word(rest) == "vector") {
        MEDIC_TRY(range_vector, read_range(rest));
    } else {
        return fail(ErrorCode::invalid,
                    "expected fail, warn, info, no_warn, no_info, ordered, string or range vector, found \"{}\"", what);
    }
    return {};
}

namespace {

bool reads_from(const promql::Node& node, const SeriesStore& store) {
    if (!node.matchers.empty() && !store.select(node.matchers).empty()) return true;
    return std::ranges::any_of(node.children, [&](const auto& child) { return reads_from(*child, store); });
}

}  // namespace

bool reads_from(std::string_view expression, const SeriesStore& store) {
    const auto parsed = promql::parse(expression);
    return parsed.root && reads_from(*parsed.root, store);
}

}  // namespace medic::script
