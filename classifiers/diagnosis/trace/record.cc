// Finding the record, and the exit code, that a text names. Plain scans: this runs on every trace.
#include <array>
#include <cctype>
#include <charconv>

#include "classifiers/diagnosis/trace/trace.h"

namespace medic {
namespace {

bool is_topic_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
}

// Skips blanks, '=', ':', quotes and brackets between a word and its value.
std::size_t skip_joiners(std::string_view text, std::size_t at) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '=' || text[at] == ':' || text[at] == '\'' ||
                                text[at] == '"' || text[at] == '[' || text[at] == '('))
        ++at;
    return at;
}

std::optional<std::int64_t> number_after(std::string_view text, std::string_view word) {
    const auto found = text.find(word);
    if (found == std::string_view::npos) return std::nullopt;
    const auto at = skip_joiners(text, found + word.size());
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (error != std::errc{} || value < 0) return std::nullopt;
    return value;
}

std::string_view word_at(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && is_topic_char(text[end]) && end - at < 249) ++end;  // 249: Kafka's longest topic name.
    return text.substr(at, end - at);
}

// "orders-3" → {orders, 3}.
std::optional<RecordRef> split_partition(std::string_view word) {
    const auto dash = word.rfind('-');
    if (dash == std::string_view::npos || dash == 0 || dash + 1 >= word.size()) return std::nullopt;
    std::int64_t partition = 0;
    const auto digits = word.substr(dash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), partition);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return RecordRef{std::string{word.substr(0, dash)}, partition, -1};
}

// The stretch of text around one mention of an offset that may name topic and partition too.
std::string_view around(std::string_view text, std::size_t at) {
    constexpr std::size_t reach = 300;
    const auto from = at > reach ? at - reach : 0;
    return text.substr(from, std::min(text.size() - from, at - from + reach));
}

std::optional<RecordRef> record_near(std::string_view near, std::size_t offset_at, std::int64_t offset) {
    const auto before = near.substr(0, offset_at);
    if (const auto topic = before.rfind("opic"); topic != std::string_view::npos) {
        const auto name = word_at(near, skip_joiners(near, topic + 4));
        const auto partition = number_after(near.substr(topic), "partition");
        if (!name.empty() && partition) return RecordRef{std::string{name}, *partition, offset};
    }
    if (const auto partition = before.rfind("partition"); partition != std::string_view::npos)
        if (auto found = split_partition(word_at(near, skip_joiners(near, partition + 9)))) {
            found->offset = offset;
            return found;
        }
    return std::nullopt;
}

}  // namespace

std::optional<RecordRef> find_record(std::string_view text) {
    constexpr std::size_t mentions_max = 16;  // Of "offset"; a trace that names a record does so early.
    std::size_t at = 0;
    for (std::size_t seen = 0; seen < mentions_max; ++seen) {
        at = text.find("ffset", at);
        if (at == std::string_view::npos) return std::nullopt;
        const auto near = around(text, at);
        const auto offset_at = static_cast<std::size_t>(text.data() + at - near.data());
        const auto value_at = skip_joiners(near, offset_at + 5);
        std::int64_t offset = 0;
        const auto [end, error] = std::from_chars(near.data() + value_at, near.data() + near.size(), offset);
        if (error == std::errc{} && offset >= 0)
            if (auto record = record_near(near, offset_at, offset)) return record;
        at += 5;
    }
    return std::nullopt;
}

std::optional<int> find_exit_code(std::string_view text) {
    // All of the words hold these letters, and few texts do: one search instead of five.
    const auto first = text.find("xit");
    if (first == std::string_view::npos) return std::nullopt;
    text.remove_prefix(first == 0 ? 0 : first - 1);
    constexpr std::array words{std::string_view{"exitCode"}, std::string_view{"exit code"},
                               std::string_view{"exit status"}, std::string_view{"Exit Code"},
                               std::string_view{"exited with code"}};
    for (const auto word : words)
        if (const auto code = number_after(text, word); code && *code <= 255) return static_cast<int>(*code);
    return std::nullopt;
}

}  // namespace medic
