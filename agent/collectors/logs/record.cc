#include "agent/collectors/logs/record.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <utility>

#include "agent/base/foreign_json_internal.h"
#include "agent/collectors/json_internal.h"

namespace medic {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

// Reads `pattern` at the start of `text`: '0' stands for a digit, '?' for any sign, all else for itself.
bool fits(std::string_view text, std::string_view pattern) {
    if (text.size() < pattern.size()) return false;
    for (std::size_t i = 0; i < pattern.size(); ++i)
        if (pattern[i] == '0' ? !digit(text[i]) : pattern[i] != '?' && pattern[i] != text[i]) return false;
    return true;
}

int number(std::string_view text, std::size_t from, std::size_t digits) {
    int value = 0;
    for (std::size_t i = from; i < from + digits; ++i) value = value * 10 + (text[i] - '0');
    return value;
}

// "2026-11-28 04:12:33,123" or "2026-11-28T04:12:33.123Z", perhaps in brackets. A time without a zone is this host's.
std::optional<WallTime> time_at_start(std::string_view line) {
    if (line.starts_with('[')) line.remove_prefix(1);
    if (!fits(line, "0000-00-00?00:00:00")) return std::nullopt;
    std::tm parts = {};
    parts.tm_year = number(line, 0, 4) - 1900;
    parts.tm_mon = number(line, 5, 2) - 1;
    parts.tm_mday = number(line, 8, 2);
    parts.tm_hour = number(line, 11, 2);
    parts.tm_min = number(line, 14, 2);
    parts.tm_sec = number(line, 17, 2);
    parts.tm_isdst = -1;
    std::int64_t ms = 0;
    std::size_t end = 19;
    if (fits(line.substr(end), "?000") && (line[end] == ',' || line[end] == '.')) {
        ms = number(line, end + 1, 3);
        end += 4;
    }
    const bool utc = end < line.size() && line[end] == 'Z';
    const std::time_t seconds = utc ? timegm(&parts) : mktime(&parts);
    return WallTime{static_cast<std::int64_t>(seconds) * 1000 + ms};
}

constexpr std::array<std::pair<std::string_view, LogLevel>, 8> levels = {{{"FATAL", LogLevel::error},
                                                                          {"SEVERE", LogLevel::error},
                                                                          {"ERROR", LogLevel::error},
                                                                          {"WARNING", LogLevel::warn},
                                                                          {"WARN", LogLevel::warn},
                                                                          {"INFO", LogLevel::info},
                                                                          {"DEBUG", LogLevel::debug},
                                                                          {"TRACE", LogLevel::debug}}};

bool word_sign(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; }

// A level stands near the start, as a word of its own: the first one wins.
LogLevel level_in(std::string_view line) {
    constexpr std::size_t within = 160;
    line = line.substr(0, within);
    auto best = std::string_view::npos;
    LogLevel level = LogLevel::unknown;
    for (const auto& [word, meaning] : levels) {
        const auto at = line.find(word);
        if (at >= best || (at > 0 && word_sign(line[at - 1]))) continue;
        if (at + word.size() < line.size() && word_sign(line[at + word.size()])) continue;
        best = at;
        level = meaning;
    }
    return level;
}

bool is_frame(std::string_view line) {
    const auto from = line.find_first_not_of(" \t");
    return from != std::string_view::npos && from > 0 && line.substr(from).starts_with("at ");
}

// Part of what the line before has begun.
bool continues(std::string_view line) {
    return line.starts_with(' ') || line.starts_with('\t') || line.starts_with("Caused by: ") ||
           line.starts_with("...");
}

// What a program that dies says outside of its log's layout.
bool speaks_of_a_trace(std::string_view line) {
    return is_frame(line) || line.starts_with("Exception in thread ") || line.starts_with("Caused by: ") ||
           line.find("java.lang.OutOfMemoryError") != std::string_view::npos;
}

// Connect's context (connector.context, KIP-449): "[orders-sink|task-0] ".
void connect_context(std::string_view line, std::map<std::string, std::string>& fields) {
    const auto bar = line.find('|');
    const auto open = bar == std::string_view::npos ? bar : line.rfind('[', bar);
    const auto close = bar == std::string_view::npos ? bar : line.find(']', bar);
    if (open == std::string_view::npos || close == std::string_view::npos) return;
    const std::string_view scope = line.substr(bar + 1, close - bar - 1);
    constexpr std::string_view task = "task-";
    if (!scope.starts_with(task) && !scope.starts_with("worker")) return;
    fields["connector"] = line.substr(open + 1, bar - open - 1);
    if (!scope.starts_with(task)) return;
    std::string_view id = scope.substr(task.size());
    id = id.substr(0, id.find('|'));
    if (!id.empty() && std::ranges::all_of(id, digit)) fields["task"] = id;
}

// A Flink job's id: 32 hexadecimal digits that stand alone.
void job_id(std::string_view line, std::map<std::string, std::string>& fields) {
    constexpr std::size_t length = 32;
    const auto hex = [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); };
    for (std::size_t at = 0; at + length <= line.size();) {
        std::size_t end = at;
        while (end < line.size() && word_sign(line[end])) ++end;
        const std::string_view word = line.substr(at, end - at);
        if (word.size() == length && std::ranges::all_of(word, hex)) {
            fields["job_id"] = word;
            return;
        }
        at = std::max(end, at) + 1;
    }
}

// One JSON object a line, as log4j's JSON layouts and most shippers write them.
std::optional<LogRecord> json_record(std::string_view line, WallTime at) {
    using namespace json_read;
    if (!line.starts_with('{')) return std::nullopt;
    const Json parsed = foreign_json(line);
    if (!parsed.is_object()) return std::nullopt;
    const auto first = [&](std::initializer_list<const char*> keys) {
        for (const char* key : keys)
            if (std::string found = text(parsed, key); !found.empty()) return found;
        return std::string();
    };
    LogRecord record{.at = at};
    record.text = first({"message", "msg", "log"});
    if (record.text.empty()) return std::nullopt;
    if (const auto time = time_at_start(first({"@timestamp", "timestamp", "time"}))) record.at = *time;
    record.level = level_in(first({"level", "severity", "log.level"}));
    const std::string trace = first({"stack_trace", "stacktrace", "exception", "error.stack_trace"});
    if (!trace.empty()) record.text += "\n" + trace;
    record.trace = trace.find("\n\tat ") != std::string::npos;
    return record;
}

// How many bytes the UTF-8 sequence at `at` has; 0: it is broken.
std::size_t sequence(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const std::size_t length = byte(at) < 0xc2   ? 0
                               : byte(at) < 0xe0 ? 2
                               : byte(at) < 0xf0 ? 3
                               : byte(at) < 0xf5 ? 4
                                                 : 0;
    if (length == 0 || at + length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(at + i) & 0xc0U) != 0x80) return 0;
    return length;
}

// Behind a terminal's escape sequence that begins at `at`.
std::size_t behind_escape(std::string_view line, std::size_t at) {
    if (++at >= line.size()) return at;
    if (line[at] == ']') {  // A title or a link: up to the bell, or to ESC and a backslash.
        while (at < line.size() && line[at] != '\a' && line[at] != '\x1b') ++at;
        return std::min(at + 1, line.size());
    }
    if (line[at] != '[') return at + 1;
    for (++at; at < line.size(); ++at)
        if (line[at] >= '@' && line[at] <= '~') return at + 1;
    return at;
}

}  // namespace

std::string_view to_string(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "DEBUG";
        case LogLevel::info: return "INFO";
        case LogLevel::warn: return "WARN";
        case LogLevel::error: return "ERROR";
        default: return "";
    }
}

std::optional<std::string> clean_line(std::string_view line) {
    std::string out;
    out.reserve(line.size());
    std::size_t strange = 0;
    for (std::size_t at = 0; at < line.size();) {
        const auto byte = static_cast<unsigned char>(line[at]);
        if (byte == 0x1b) {
            at = behind_escape(line, at);
        } else if (byte == '\t' || (byte >= 0x20 && byte < 0x7f)) {
            out += line[at++];
        } else if (const std::size_t length = byte >= 0x80 ? sequence(line, at) : 0; length > 0) {
            // C1 controls (U+0080–U+009F) are as good as escapes to some terminals.
            if (byte != 0xc2 || static_cast<unsigned char>(line[at + 1]) >= 0xa0) out += line.substr(at, length);
            at += length;
        } else {
            ++strange;
            ++at;
        }
    }
    constexpr std::size_t strange_share = 4;
    if (strange * strange_share > line.size()) return std::nullopt;
    return out;
}

std::optional<LogRecord> RecordJoiner::add(std::string_view line, WallTime at, LogLevel level) {
    if (auto record = json_record(line, at)) {
        auto ended = end();
        timed_ = true;
        open_ = std::move(record);
        lines_ = record_lines_max;  // It is whole: what follows without a time is none of it.
        return ended;
    }
    const auto time = time_at_start(line);
    const bool begins = time || !open_ || (!timed_ && !continues(line));
    std::optional<LogRecord> ended;
    if (begins) {
        ended = end();
        open_ = LogRecord{.at = time.value_or(at), .level = level_in(line)};
        if (open_->level == LogLevel::unknown) open_->level = level;
        timed_ = time.has_value();
        connect_context(line, open_->fields);
        job_id(line, open_->fields);
        lines_ = 0;
    }
    if (lines_ >= record_lines_max || open_->text.size() + line.size() > record_bytes_max) {
        ++left_out_;
        return ended;
    }
    ++lines_;
    if (!open_->text.empty()) open_->text += '\n';
    open_->text += line;
    open_->trace = open_->trace || speaks_of_a_trace(line);
    return ended;
}

std::optional<LogRecord> RecordJoiner::end() {
    lines_ = 0;
    return std::exchange(open_, std::nullopt);
}

}  // namespace medic
