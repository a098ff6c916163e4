#include "engine/broker/log.h"

#include <algorithm>
#include <charconv>

namespace medic::engine::broker {
using wire::KafkaError;
namespace {

constexpr std::string_view start_offset_file = "log-start-offset-checkpoint";

std::optional<std::int64_t> offset_of(const std::filesystem::path& file, std::string_view suffix) {
    if (file.extension() != suffix) return std::nullopt;
    const std::string stem = file.stem().string();
    std::int64_t offset = 0;
    const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), offset);
    if (error != std::errc{} || end != stem.data() + stem.size()) return std::nullopt;
    return offset;
}

std::vector<std::int64_t> offsets_in(const std::filesystem::path& folder, std::string_view suffix) {
    std::vector<std::int64_t> offsets;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        if (const auto offset = offset_of(entry.path(), suffix)) offsets.push_back(*offset);
    }
    std::ranges::sort(offsets);
    return offsets;
}

}  // namespace

Log::Log(std::filesystem::path folder, LogOptions options, DiskSpace* space)
    : folder_(std::move(folder)), options_(options), space_(space), epochs_(folder_ / "leader-epoch-checkpoint") {}

Result<std::unique_ptr<Log>> Log::open(const std::filesystem::path& folder, LogOptions options, DiskSpace* space,
                                       Shutdown last_stop) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", folder.string(), error.message());
    std::unique_ptr<Log> log(new Log(folder, options, space));
    MEDIC_CHECK(log->load_segments(last_stop));
    if (!log->epochs_.load()) MEDIC_CHECK(log->epochs_.clear());
    MEDIC_CHECK(log->epochs_.truncate_to(log->end_offset()));
    MEDIC_CHECK(log->rebuild_producers());
    return log;
}

Status Log::load_segments(Shutdown last_stop) {
    bool damaged = false;
    for (const std::int64_t base : offsets_in(folder_, ".log")) {
        auto segment = std::make_unique<Segment>(folder_, base, space_);
        MEDIC_CHECK(segment->open());
        const bool gap = !segments_.empty() && base < segments_.back()->next_offset();
        if (damaged || gap) {  // What follows a cut can't be trusted: the leader has it.
            segment->remove_files();
            continue;
        }
        if (last_stop == Shutdown::unclean) {
            MEDIC_TRY(const std::int64_t cut, segment->recover(options_.index_interval_bytes));
            damaged = cut > 0;
        }
        segments_.push_back(std::move(segment));
    }
    if (const auto text = read_file(folder_ / start_offset_file)) {
        std::from_chars(text->data(), text->data() + text->size(), start_offset_);
    }
    if (segments_.empty()) MEDIC_CHECK(add_segment(start_offset_));
    start_offset_ = std::clamp(start_offset_, segments_.front()->base_offset(), end_offset());
    return {};
}

Status Log::rebuild_producers() {
    producers_.clear();
    std::int64_t from = start_offset_;
    auto snapshots = offsets_in(folder_, ".snapshot");
    for (const std::int64_t offset : snapshots | std::views::reverse) {
        if (offset > end_offset()) continue;
        const auto bytes = read_file(folder_ / offset_file_name(offset, ".snapshot"));
        if (!bytes || !producers_.restore(*bytes)) continue;
        from = std::max(from, offset);
        break;
    }
    for (const auto& segment : segments_) {
        if (segment->next_offset() > from) MEDIC_CHECK(replay_producers(*segment, from));
    }
    producers_.forget_aborted_before(start_offset_);
    return {};
}

Status Log::replay_producers(const Segment& segment, std::int64_t from) {
    Status read;
    MEDIC_CHECK(segment.each_batch(from, [&](const BatchHeader& header) {
        if (!header.is_control()) return producers_.note(header);
        const auto batch = segment.read(header.base_offset, {.bytes_max = header.size_bytes});
        if (!batch) {
            read = std::unexpected(batch.error());
            return;
        }
        BatchHeader marked = header;
        marked.marker = read_marker(*batch);
        producers_.note(marked);
    }));
    return read;
}

std::int64_t Log::last_stable_offset(std::int64_t high_watermark) const {
    const std::int64_t first = producers_.first_unstable().value_or(high_watermark);
    return std::min(high_watermark, std::max(first, start_offset_));
}

Status Log::write_producer_snapshot(std::int64_t offset) {
    if (producers_.size() == 0) return {};
    MEDIC_CHECK(replace_file(folder_ / offset_file_name(offset, ".snapshot"), producers_.snapshot()));
    const auto all = offsets_in(folder_, ".snapshot");
    constexpr std::size_t kept = 2;  // The newest, and one to truncate back to.
    for (std::size_t i = 0; i + kept < all.size(); ++i) {
        std::error_code ignored;
        std::filesystem::remove(folder_ / offset_file_name(all[i], ".snapshot"), ignored);
    }
    return {};
}

void Log::remove_producer_snapshots(std::int64_t from_offset) {
    for (const std::int64_t offset : offsets_in(folder_, ".snapshot")) {
        std::error_code ignored;
        if (offset >= from_offset) std::filesystem::remove(folder_ / offset_file_name(offset, ".snapshot"), ignored);
    }
}

Status Log::add_segment(std::int64_t base_offset) {
    auto segment = std::make_unique<Segment>(folder_, base_offset, space_);
    MEDIC_CHECK(segment->open());
    segments_.push_back(std::move(segment));
    return {};
}

Status Log::roll_if_needed(std::int64_t bytes, std::int64_t next_base, std::int64_t wall_ms) {
    const Segment& active = *segments_.back();
    if (active.size_bytes() == 0) return {};
    const bool full = active.size_bytes() + bytes > options_.segment_bytes;
    const bool old =
        active.first_timestamp() != no_timestamp && wall_ms - active.first_timestamp() > options_.segment_ms;
    const bool wide = next_base - active.base_offset() > INT32_MAX;
    if (!full && !old && !wide) return {};
    MEDIC_CHECK(segments_.back()->flush_indexes());
    MEDIC_CHECK(write_producer_snapshot(end_offset()));
    return add_segment(next_base);
}

Log::Appended Log::check_batches(std::string_view batches, Origin origin, Parsed& parsed) const {
    while (!batches.empty()) {
        if (batches.size() > 16 && batches[16] != 2) {
            return {.fault = KafkaError::unsupported_for_message_format, .message = "Only message format 2 is stored."};
        }
        auto header = read_batch_header(batches);
        if (!header || static_cast<std::size_t>(header->size_bytes) > batches.size()) {
            return {.fault = KafkaError::corrupt_message, .message = "The batch is shorter than it says."};
        }
        const auto batch = batches.substr(0, static_cast<std::size_t>(header->size_bytes));
        if (!checksum_holds(batch))
            return {.fault = KafkaError::corrupt_message, .message = "The batch's checksum is wrong."};
        if (header->size_bytes > options_.message_bytes_max) {
            return {.fault = KafkaError::message_too_large,
                    .message = fmt::format("The batch has {} bytes, max.message.bytes is {}.", header->size_bytes,
                                           options_.message_bytes_max)};
        }
        if (header->record_count <= 0 || header->last_offset_delta != header->record_count - 1) {
            return {.fault = KafkaError::invalid_record,
                    .message = "Record count and offsets of the batch do not agree."};
        }
        if (header->is_control()) header->marker = read_marker(batch);
        if (header->is_control() && (origin == Origin::client || !header->marker))
            return {.fault = KafkaError::invalid_record, .message = "Only brokers write control batches."};
        parsed.headers.push_back(*header);
        parsed.records += header->record_count;
        parsed.max_timestamp = std::max(parsed.max_timestamp, header->max_timestamp);
        batches.remove_prefix(batch.size());
    }
    if (parsed.headers.empty()) return {.fault = KafkaError::invalid_record, .message = "No records."};
    return {};
}

Result<Log::Appended> Log::append_as_leader(std::span<char> batches, std::int32_t leader_epoch, std::int64_t wall_ms,
                                            Origin origin) {
    const std::string_view bytes(batches.data(), batches.size());
    Parsed parsed;
    Appended result = check_batches(bytes, origin, parsed);
    if (result.fault != KafkaError::none) return result;
    for (const BatchHeader& header : parsed.headers) {
        const auto verdict = producers_.check(header);
        result.fault = verdict.fault;
        if (verdict.duplicate_of) {
            result.duplicate = true;
            result.base_offset = *verdict.duplicate_of;
        }
        if (result.fault != KafkaError::none || result.duplicate) return result;
    }
    std::int64_t next = end_offset();
    result.base_offset = next;
    char* at = batches.data();
    for (BatchHeader& header : parsed.headers) {
        header.base_offset = next;
        header.leader_epoch = leader_epoch;
        stamp_batch(at, next, leader_epoch);
        if (options_.log_append_time) {
            stamp_append_time(at, static_cast<std::size_t>(header.size_bytes), wall_ms);
            header.max_timestamp = wall_ms;
            parsed.max_timestamp = wall_ms;
            result.append_time = wall_ms;
        }
        next = header.next_offset();
        at += header.size_bytes;
    }
    result.records = parsed.records;
    MEDIC_CHECK(write(bytes, parsed, wall_ms));
    return result;
}

Result<std::int64_t> Log::append_as_follower(std::string_view batches, std::int64_t wall_ms) {
    Parsed parsed;
    std::size_t whole = 0;
    while (auto header = read_batch_header(batches.substr(whole))) {
        const auto size = static_cast<std::size_t>(header->size_bytes);
        if (whole + size > batches.size()) break;
        const std::int64_t expected = parsed.headers.empty() ? end_offset() : parsed.headers.back().next_offset();
        if (header->base_offset < expected || !checksum_holds(batches.substr(whole, size))) {
            return fail(ErrorCode::invalid, "{}: the leader sent a damaged batch or one at offset {} when {} was next",
                        folder_.string(), header->base_offset, expected);
        }
        if (header->is_control()) header->marker = read_marker(batches.substr(whole, size));
        parsed.headers.push_back(*header);
        parsed.records += header->record_count;
        parsed.max_timestamp = std::max(parsed.max_timestamp, header->max_timestamp);
        whole += size;
    }
    if (parsed.headers.empty()) return 0;
    MEDIC_CHECK(write(batches.substr(0, whole), parsed, wall_ms));
    return parsed.records;
}

Status Log::write(std::string_view bytes, const Parsed& parsed, std::int64_t wall_ms) {
    const BatchHeader& first = parsed.headers.front();
    MEDIC_CHECK(roll_if_needed(static_cast<std::int64_t>(bytes.size()), first.base_offset, wall_ms));
    MEDIC_CHECK(segments_.back()->append({.bytes = bytes,
                                          .first_offset = first.base_offset,
                                          .next_offset = parsed.headers.back().next_offset(),
                                          .max_timestamp = parsed.max_timestamp,
                                          .index_interval_bytes = options_.index_interval_bytes}));
    for (const BatchHeader& header : parsed.headers) {
        producers_.note(header);
        if (header.leader_epoch > epochs_.latest()) MEDIC_CHECK(epochs_.note(header.leader_epoch, header.base_offset));
    }
    return {};
}

Result<std::string> Log::read(std::int64_t offset, const ReadLimits& limits) const {
    if (offset >= end_offset()) return std::string();
    auto above =
        std::ranges::upper_bound(segments_, offset, {}, [](const auto& segment) { return segment->base_offset(); });
    if (above != segments_.begin()) --above;
    while (above != segments_.end() && (*above)->next_offset() <= offset)
        ++above;  // Emptied by compaction or retention.
    if (above == segments_.end()) return std::string();
    return (*above)->read(offset, limits);
}

Status Log::truncate_to(std::int64_t offset) {
    if (offset >= end_offset()) return {};
    if (offset <= segments_.front()->base_offset()) return restart_at(offset);
    while (segments_.back()->base_offset() >= offset) {
        segments_.back()->remove_files();
        segments_.pop_back();
    }
    MEDIC_CHECK(segments_.back()->truncate_to(offset));
    MEDIC_CHECK(epochs_.truncate_to(end_offset()));
    start_offset_ = std::min(start_offset_, end_offset());
    remove_producer_snapshots(end_offset() + 1);
    return rebuild_producers();
}

Status Log::restart_at(std::int64_t offset) {
    for (auto& segment : segments_) segment->remove_files();
    segments_.clear();
    producers_.clear();
    remove_producer_snapshots(0);
    MEDIC_CHECK(epochs_.clear());
    start_offset_ = offset;
    MEDIC_CHECK(store_start_offset());
    return add_segment(offset);
}

Status Log::store_start_offset() const {
    return replace_file(folder_ / start_offset_file, fmt::format("{}\n", start_offset_));
}

Status Log::raise_start(std::int64_t offset) {
    if (offset > start_offset_) {
        start_offset_ = std::min(offset, end_offset());
        MEDIC_CHECK(epochs_.raise_start(start_offset_));
        MEDIC_CHECK(store_start_offset());
        producers_.forget_aborted_before(start_offset_);
    }
    // Also when the start was there already: then it was the active segment that could not go.
    while (segments_.size() > 1 && segments_[1]->base_offset() <= start_offset_) {
        segments_.front()->remove_files();
        segments_.erase(segments_.begin());
    }
    return {};
}

Result<int> Log::apply_retention(std::int64_t wall_ms, std::int64_t removable_end) {
    if (!options_.delete_old) return 0;
    // The active segment goes too when all of it is too old: Kafka rolls it first.
    const Segment& active = *segments_.back();
    if (options_.retention_ms >= 0 && active.size_bytes() > 0 && active.next_offset() <= removable_end &&
        wall_ms - active.max_timestamp() > options_.retention_ms) {
        MEDIC_CHECK(segments_.back()->flush_indexes());
        MEDIC_CHECK(write_producer_snapshot(end_offset()));
        MEDIC_CHECK(add_segment(end_offset()));
    }
    int removed = 0;
    std::int64_t excess = options_.retention_bytes < 0 ? -1 : size_bytes() - options_.retention_bytes;
    while (segments_.size() > 1) {
        const Segment& oldest = *segments_.front();
        const bool old = options_.retention_ms >= 0 && wall_ms - oldest.max_timestamp() > options_.retention_ms;
        const bool large = excess >= oldest.size_bytes() && excess > 0;
        if ((!old && !large) || oldest.next_offset() > removable_end) break;
        excess -= oldest.size_bytes();
        MEDIC_CHECK(raise_start(segments_[1]->base_offset()));
        ++removed;
    }
    return removed;
}

Status Log::flush() {
    for (const auto& segment : segments_) MEDIC_CHECK(segment->flush_indexes());
    return write_producer_snapshot(end_offset());
}

std::optional<BatchHeader> Log::find_timestamp(std::int64_t timestamp_ms) const {
    for (const auto& segment : segments_) {
        if (const auto found = segment->find_timestamp(timestamp_ms)) return found;
    }
    return std::nullopt;
}

std::int64_t Log::max_timestamp() const {
    std::int64_t newest = no_timestamp;
    for (const auto& segment : segments_) newest = std::max(newest, segment->max_timestamp());
    return newest;
}

std::int64_t Log::size_bytes() const {
    std::int64_t total = 0;
    for (const auto& segment : segments_) total += segment->size_bytes();
    return total;
}

}  // namespace medic::engine::broker
