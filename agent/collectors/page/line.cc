#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "agent/collectors/page/line_internal.h"

namespace medic::page_detail {
namespace {

constexpr std::size_t exemplar_chars_max = 128;  // OpenMetrics 1.0: names and values of an exemplar's labels together.

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_name(Cursor& cursor, bool colons) {
    const char* const start = cursor.at;
    while (cursor.at != cursor.end) {
        const char c = *cursor.at;
        if (!is_name_start(c) && !(colons && c == ':') && !(cursor.at != start && is_digit(c))) break;
        ++cursor.at;
    }
    return {start, static_cast<std::size_t>(cursor.at - start)};
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const std::size_t length = byte < 0x80                   ? 1
                                   : byte >= 0xc2 && byte < 0xe0 ? 2
                                   : byte >= 0xe0 && byte < 0xf0 ? 3
                                   : byte >= 0xf0 && byte < 0xf5 ? 4
                                                                 : 0;
        if (length == 0 || i + length > text.size()) return false;
        for (std::size_t k = 1; k < length; ++k)
            if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
        if (length >= 3) {
            const auto second = static_cast<unsigned char>(text[i + 1]);
            if ((byte == 0xe0 && second < 0xa0) || (byte == 0xed && second > 0x9f) || (byte == 0xf0 && second < 0x90) ||
                (byte == 0xf4 && second > 0x8f))
                return false;
        }
        i += length;
    }
    return true;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    return std::ranges::equal(
        text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; });
}

// NaN, Inf, Infinity with an optional sign, in any case.
bool take_word(Cursor& cursor, double& value) {
    const char* stop = cursor.at;
    while (stop != cursor.end && *stop != ' ' && *stop != '\t') ++stop;
    std::string_view word(cursor.at, static_cast<std::size_t>(stop - cursor.at));
    const bool negative = word.starts_with('-');
    if (negative || word.starts_with('+')) word.remove_prefix(1);
    if (equals_ignoring_case(word, "nan"))
        value = std::numeric_limits<double>::quiet_NaN();
    else if (equals_ignoring_case(word, "inf") || equals_ignoring_case(word, "infinity"))
        value = negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    else
        return false;
    cursor.at = stop;
    return true;
}

struct TypeName {
    std::string_view name;
    MetricType type;
};
constexpr std::array type_names{
    TypeName{"counter", MetricType::counter},     TypeName{"gauge", MetricType::gauge},
    TypeName{"histogram", MetricType::histogram}, TypeName{"gaugehistogram", MetricType::gauge_histogram},
    TypeName{"summary", MetricType::summary},     TypeName{"info", MetricType::info},
    TypeName{"stateset", MetricType::state_set},  TypeName{"unknown", MetricType::unknown},
    TypeName{"untyped", MetricType::unknown}};

}  // namespace

bool take_float(Cursor& cursor, double& value) {
    // Most values are short whole numbers, perhaps with ".0": no need for a general parser.
    const char* at = cursor.at;
    const bool negative = at != cursor.end && *at == '-';
    if (negative || (at != cursor.end && *at == '+')) ++at;
    if (at == cursor.end) return false;
    std::uint64_t number = 0;
    const char* const digits = at;
    while (at != cursor.end && is_digit(*at) && at - digits < 16)
        number = number * 10 + static_cast<std::uint64_t>(*at++ - '0');
    if (at != digits && at - digits < 16) {
        const char* after = at;
        if (after + 1 < cursor.end && after[0] == '.' && after[1] == '0') after += 2;
        if (after == cursor.end || *after == ' ' || *after == '\t') {
            value = negative ? -static_cast<double>(number) : static_cast<double>(number);
            cursor.at = after;
            return true;
        }
    }
    if (!is_digit(*digits) && *digits != '.') return take_word(cursor, value);
    const auto [stop, code] = std::from_chars(digits, cursor.end, value);
    if (code == std::errc::invalid_argument) return false;
    if (code == std::errc::result_out_of_range) {
        // Too large is infinite, too small is zero, as Go's ParseFloat rounds.
        const std::string_view text(digits, static_cast<std::size_t>(stop - digits));
        const auto exponent = text.find_first_of("eE");
        const bool tiny = (exponent != std::string_view::npos && text.substr(exponent + 1).starts_with('-')) ||
                          text.starts_with("0.");
        value = tiny ? 0 : std::numeric_limits<double>::infinity();
    }
    if (negative) value = -value;
    cursor.at = stop;
    return true;
}

bool LineReader::fail_at(const Cursor& cursor, std::string_view expected) {
    constexpr std::size_t shown_max = 24;
    std::string found =
        cursor.done() ? "the end of the line" : "\"" + std::string(cursor.rest().substr(0, shown_max)) + "\"";
    problem_ = {0, cursor.column(), fmt::format("expected {}, found {}", expected, found)};
    return false;
}

// OpenMetrics: exactly one space. Prometheus: blanks and tabs.
bool LineReader::separator(Cursor& cursor) {
    if (format_ == PageFormat::open_metrics) return cursor.take(' ') && cursor.peek() != ' ' && cursor.peek() != '\t';
    const char* const before = cursor.at;
    cursor.skip_blanks();
    return cursor.at != before;
}

// A text in double quotes: a label's value, or a name that is more than a word.
bool LineReader::quoted(Cursor& cursor, std::string_view what, std::string_view& text) {
    if (!cursor.take('"')) return fail_at(cursor, fmt::format("{} in double quotes", what));
    const char* const start = cursor.at;
    while (cursor.at != cursor.end && *cursor.at != '"' && *cursor.at != '\\') ++cursor.at;
    if (cursor.peek() == '"') {
        text = {start, static_cast<std::size_t>(cursor.at++ - start)};
    } else {
        const std::size_t from = unescaped_.size();
        unescaped_.append(start, cursor.at);
        while (cursor.at != cursor.end && *cursor.at != '"') {
            const char c = *cursor.at++;
            if (c != '\\' || cursor.at == cursor.end) {
                unescaped_ += c;
                continue;
            }
            const char escaped = *cursor.at++;
            if (escaped == 'n')
                unescaped_ += '\n';
            else if (escaped == '\\' || escaped == '"')
                unescaped_ += escaped;
            else
                (unescaped_ += '\\') += escaped;
        }
        if (!cursor.take('"')) return fail_at(cursor, fmt::format("'\"' that ends {}", what));
        text = std::string_view(unescaped_).substr(from);
    }
    return is_utf8(text) || fail_at(cursor, fmt::format("valid UTF-8 in {} before this", what));
}

// A word, or since Prometheus 3 any text in quotes.
bool LineReader::name(Cursor& cursor, std::string_view what, bool colons, std::string_view& name) {
    if (cursor.peek() != '"')
        name = take_name(cursor, colons);
    else if (!quoted(cursor, what, name))
        return false;
    return !name.empty() || fail_at(cursor, what);
}

// Behind '{'. Prometheus's format allows a comma after the last label. A text in quotes that has no value is the
// metric's name: `metric` takes it; nullptr where none may stand.
bool LineReader::labels(Cursor& cursor, std::vector<PageLabel>& into, std::string_view* metric) {
    const bool blanks = format_ == PageFormat::prometheus_text;
    into.clear();
    for (bool first = true;; first = false) {
        if (blanks) cursor.skip_blanks();
        if (cursor.peek() == '}' && (first || blanks)) {
            ++cursor.at;
            return true;
        }
        if (into.size() >= limits_.labels_max)
            return fail_at(cursor, fmt::format("at most {} labels", limits_.labels_max));
        const bool in_quotes = cursor.peek() == '"';
        std::string_view label;
        if (!name(cursor, "a label's name", false, label)) return false;
        if (blanks) cursor.skip_blanks();
        if (in_quotes && metric != nullptr && (cursor.peek() == ',' || cursor.peek() == '}')) {
            if (!metric->empty()) return fail_at(cursor, "the metric's name only once, before this");
            *metric = label;
        } else if (!value(cursor, label, into)) {
            return false;
        }
        if (blanks) cursor.skip_blanks();
        if (cursor.take(',')) continue;
        if (cursor.take('}')) return true;
        return fail_at(cursor, "',' or '}' after the label");
    }
}

bool LineReader::value(Cursor& cursor, std::string_view label, std::vector<PageLabel>& into) {
    if (!cursor.take('=')) return fail_at(cursor, "'=' after the label's name");
    if (format_ == PageFormat::prometheus_text) cursor.skip_blanks();
    std::string_view value;
    if (!quoted(cursor, "a label's value", value)) return false;
    for (const auto& before : into)
        if (before.first == label) return fail_at(cursor, fmt::format("the label {} only once", label));
    into.emplace_back(label, value);
    return true;
}

bool LineReader::exemplar(Cursor& cursor, PageSample& sample) {
    const char* const start = cursor.at;
    if (!cursor.take('{')) return fail_at(cursor, "the exemplar's '{'");
    if (!labels(cursor, exemplar_labels_, nullptr)) return false;
    std::size_t chars = 0;
    for (const auto& [name, value] : exemplar_labels_)
        for (const auto part : {name, value})
            chars += static_cast<std::size_t>(
                std::ranges::count_if(part, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
    if (chars > exemplar_chars_max)
        return fail_at(cursor, fmt::format("at most {} characters in an exemplar's labels", exemplar_chars_max));
    double value = 0;
    if (!separator(cursor) || !take_float(cursor, value)) return fail_at(cursor, "the exemplar's value");
    if (!cursor.done()) {
        double at_s = 0;
        if (!separator(cursor) || !take_float(cursor, at_s) || !std::isfinite(at_s))
            return fail_at(cursor, "the exemplar's time stamp");
    }
    sample.exemplar = {start, static_cast<std::size_t>(cursor.at - start)};
    return cursor.done() || fail_at(cursor, "the end of the line after the exemplar");
}

bool LineReader::tail(Cursor& cursor, PageSample& sample) {
    sample.timestamp_s.reset();
    sample.exemplar = {};
    const bool open_metrics = format_ == PageFormat::open_metrics;
    if (!separator(cursor) || !take_float(cursor, sample.value))
        return fail_at(cursor, "a value such as 1, -2.5e3, NaN or +Inf");
    if (cursor.done()) return true;
    if (!separator(cursor)) return fail_at(cursor, "the end of the value");
    if (!open_metrics && cursor.done()) return true;
    if (cursor.peek() != '#' || !open_metrics) {
        double stamp = 0;
        if (!take_float(cursor, stamp) || !std::isfinite(stamp)) return fail_at(cursor, "a time stamp");
        if (!open_metrics && stamp != std::trunc(stamp))
            return fail_at(cursor, "a time stamp in whole milliseconds before this");
        sample.timestamp_s = open_metrics ? stamp : stamp / 1000;
        if (cursor.done()) return true;
        if (!separator(cursor)) return fail_at(cursor, "the end of the time stamp");
        if (!open_metrics) return cursor.done() || fail_at(cursor, "the end of the line");
    }
    if (!cursor.take('#') || !separator(cursor))
        return fail_at(cursor, "an exemplar (# {…} value) or the end of the line");
    return exemplar(cursor, sample);
}

bool LineReader::sample(std::string_view line, PageSample& sample) {
    Cursor cursor(line);
    if (format_ == PageFormat::prometheus_text) cursor.skip_blanks();
    const char* const start = cursor.at;
    unescaped_.clear();
    unescaped_.reserve(line.size());
    labels_.clear();
    sample.name = take_name(cursor, true);
    if (sample.name.empty() && cursor.peek() != '{') return fail_at(cursor, "a metric's name");
    const char* series_end = cursor.at;
    if (format_ == PageFormat::prometheus_text) cursor.skip_blanks();
    if (cursor.take('{')) {
        if (!labels(cursor, labels_, &sample.name)) return false;
        if (sample.name.empty()) return fail_at(cursor, "a metric's name before or in the braces before this");
        series_end = cursor.at;
    }
    cursor.at = series_end;
    sample.labels = labels_;
    sample.series = {start, static_cast<std::size_t>(series_end - start)};
    // "name{…}1" is read by Prometheus's own parser: the brace ends the series.
    if (format_ == PageFormat::prometheus_text && series_end[-1] == '}' && cursor.peek() != ' ' &&
        cursor.peek() != '\t' && !cursor.done())
        return fail_at(cursor, "a blank between the series and its value");
    return tail(cursor, sample);
}

bool LineReader::comment(std::string_view line, Comment& comment) {
    comment = {};
    const bool open_metrics = format_ == PageFormat::open_metrics;
    Cursor cursor(line);
    if (!open_metrics) cursor.skip_blanks();
    cursor.take('#');
    if (open_metrics && line == "# EOF") {
        comment.kind = Comment::Kind::eof;
        return true;
    }
    // In Prometheus's format everything else behind '#' is a remark; OpenMetrics has none.
    if (!separator(cursor)) return !open_metrics || fail_at(cursor, "# TYPE, # HELP, # UNIT or # EOF");
    const std::string_view word = take_name(cursor, false);
    if (word == "TYPE")
        comment.kind = Comment::Kind::type;
    else if (word == "HELP")
        comment.kind = Comment::Kind::help;
    else if (word == "UNIT" && open_metrics)
        comment.kind = Comment::Kind::unit;
    else
        return !open_metrics || fail_at(cursor, "# TYPE, # HELP, # UNIT or # EOF");
    if (!separator(cursor)) return fail_at(cursor, "a metric's name");
    unescaped_.clear();
    unescaped_.reserve(line.size());
    if (!name(cursor, "a metric's name", true, comment.family)) return false;
    if (!(open_metrics ? cursor.take(' ') : separator(cursor) || cursor.done()))
        return fail_at(cursor, "' ' after the metric's name");
    comment.text = cursor.rest();
    if (comment.kind == Comment::Kind::help) return is_utf8(comment.text) || fail_at(cursor, "valid UTF-8 in the help");
    if (comment.kind == Comment::Kind::unit)
        return comment.text.find_first_of(" \t") == std::string_view::npos || fail_at(cursor, "a unit without blanks");
    if (!open_metrics)
        while (comment.text.ends_with(' ') || comment.text.ends_with('\t')) comment.text.remove_suffix(1);
    for (const auto& [name, type] : type_names) {
        if (comment.text != name || (open_metrics && name == "untyped")) continue;
        comment.type = type;
        return true;
    }
    return fail_at(cursor, "a metric's type (counter, gauge, histogram, summary, …)");
}

std::string_view family_of(std::string_view name, std::string_view family, MetricType type) {
    if (family.empty() || !name.starts_with(family)) return {};
    const std::string_view suffix = name.substr(family.size());
    if (suffix.empty()) return family;
    constexpr std::array suffixes{std::string_view("_total"), std::string_view("_created"), std::string_view("_bucket"),
                                  std::string_view("_count"), std::string_view("_sum"),     std::string_view("_gcount"),
                                  std::string_view("_gsum"),  std::string_view("_info")};
    const bool typed = type != MetricType::gauge && type != MetricType::unknown && type != MetricType::state_set;
    return typed && std::ranges::find(suffixes, suffix) != suffixes.end() ? family : std::string_view();
}

}  // namespace medic::page_detail
