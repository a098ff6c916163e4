#include "engine/broker/epoch_cache.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace medic::engine::broker {

Status replace_file(const std::filesystem::path& path, std::string_view content) {
    auto beside = path;
    beside += ".tmp";
    {
        std::ofstream out(beside, std::ios::binary | std::ios::trunc);
        out.write(content.data(), static_cast<std::streamsize>(content.size()));
        out.close();
        if (!out) return fail(ErrorCode::unavailable, "{}: write failed: {}", beside.string(), std::strerror(errno));
    }
    std::error_code error;
    std::filesystem::rename(beside, path, error);
    if (error) return fail(ErrorCode::unavailable, "{}: rename failed: {}", path.string(), error.message());
    return {};
}

std::optional<std::string> read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

Status EpochCache::load() {
    entries_.clear();
    const auto text = read_file(file_);
    if (!text) return {};
    std::istringstream in(*text);
    int version = -1;
    std::size_t count = 0;
    in >> version >> count;
    Entry entry;
    while (entries_.size() < count && in >> entry.epoch >> entry.start_offset) entries_.push_back(entry);
    if (version != 0 || entries_.size() != count) {
        return fail(ErrorCode::invalid, "{}: expected version 0 and {} entries", file_.string(), count);
    }
    return {};
}

Status EpochCache::store() const {
    std::string text = fmt::format("0\n{}\n", entries_.size());
    for (const Entry& entry : entries_) text += fmt::format("{} {}\n", entry.epoch, entry.start_offset);
    return replace_file(file_, text);
}

Status EpochCache::note(std::int32_t epoch, std::int64_t start_offset) {
    if (epoch <= latest()) return {};
    // An epoch in which nothing was written leaves no trace.
    std::erase_if(entries_, [&](const Entry& entry) { return entry.start_offset >= start_offset; });
    entries_.push_back({epoch, start_offset});
    return store();
}

Status EpochCache::truncate_to(std::int64_t end_offset) {
    if (std::erase_if(entries_, [&](const Entry& entry) { return entry.start_offset >= end_offset; }) == 0) return {};
    return store();
}

Status EpochCache::raise_start(std::int64_t start_offset) {
    bool changed = false;
    while (entries_.size() > 1 && entries_[1].start_offset <= start_offset) {
        entries_.erase(entries_.begin());
        changed = true;
    }
    if (!entries_.empty() && entries_.front().start_offset < start_offset) {
        entries_.front().start_offset = start_offset;
        changed = true;
    }
    return changed ? store() : Status{};
}

Status EpochCache::clear() {
    entries_.clear();
    return store();
}

EpochCache::End EpochCache::end_of(std::int32_t epoch, std::int64_t log_end) const {
    if (epoch < 0 || entries_.empty()) return {};
    const auto above = std::ranges::upper_bound(entries_, epoch, {}, &Entry::epoch);
    // As Kafka's endOffsetFor: whatever that reign wrote from here on is not what we have.
    if (above == entries_.begin()) return {epoch, above->start_offset};
    return {std::prev(above)->epoch, above == entries_.end() ? log_end : above->start_offset};
}

}  // namespace medic::engine::broker
