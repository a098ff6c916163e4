// What Replicas keeps on disk: the log dir with its marks and checkpoints, its space, and its failure.
#include <algorithm>
#include <charconv>
#include <sstream>

#include "engine/broker/replicas.h"
#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

constexpr std::string_view who = "broker";
constexpr std::string_view clean_marker = ".kafka_cleanshutdown";
constexpr std::string_view high_watermark_file = "replication-offset-checkpoint";
constexpr std::string_view capacity_file = "log-dir-capacity";

std::string hex(const Uuid& id) {
    std::string text;
    for (const std::uint8_t byte : id.bytes) text += fmt::format("{:02x}", byte);
    return text;
}

}  // namespace

Status Replicas::start() {
    std::error_code error;
    std::filesystem::create_directories(options_.log_dir, error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", options_.log_dir.string(), error.message());
    last_stop_ = std::filesystem::remove(options_.log_dir / clean_marker, error) ? Shutdown::clean : Shutdown::unclean;
    space_->capacity_bytes = options_.capacity_bytes;
    if (const auto text = read_file(options_.log_dir / capacity_file)) {
        std::int64_t grown = 0;
        std::from_chars(text->data(), text->data() + text->size(), grown);
        space_->capacity_bytes = std::max(space_->capacity_bytes, grown);
    }
    if (const auto text = read_file(options_.log_dir / high_watermark_file)) {
        std::istringstream in(*text);
        int version = 0;
        std::size_t count = 0;
        in >> version >> count;
        TopicPartition id;
        std::int64_t offset = 0;
        while (in >> id.topic >> id.partition >> offset) stored_high_watermarks_[id] = offset;
    }
    return {};
}

Status Replicas::stop() {
    if (offline_) return {};
    store_high_watermarks();
    for (const auto& [id, replica] : replicas_) {
        if (replica->log) MEDIC_CHECK(replica->log->flush());
    }
    return replace_file(options_.log_dir / clean_marker, "");
}

std::filesystem::path Replicas::folder_of(const TopicPartition& id) const { return options_.log_dir / id.to_string(); }

LogOptions Replicas::log_options(const std::string& topic) const {
    const auto number = [&](std::string_view key) { return config_.topic_number(image_, topic, key); };
    const std::string policy = config_.topic(image_, topic, "cleanup.policy").value;
    return {.segment_bytes = number("segment.bytes"),
            .segment_ms = number("segment.ms"),
            .index_interval_bytes = number("index.interval.bytes"),
            .message_bytes_max = number("max.message.bytes"),
            .retention_ms = number("retention.ms"),
            .retention_bytes = number("retention.bytes"),
            .delete_old = policy.find("delete") != std::string::npos,
            .log_append_time = config_.topic(image_, topic, "message.timestamp.type").value == "LogAppendTime"};
}

Status Replicas::open_log(Replica& replica) {
    const auto folder = folder_of(replica.id);
    const std::string topic_id = fmt::format("version: 0\ntopic_id: {}\n", hex(image_.topic(replica.id.topic)->id));
    const auto known = read_file(folder / "partition.metadata");
    std::error_code error;
    if (known && *known != topic_id)
        std::filesystem::remove_all(folder, error);  // Of a deleted topic of the same name.
    MEDIC_TRY(replica.log, Log::open(folder, log_options(replica.id.topic), space_.get(), last_stop_));
    if (!known || *known != topic_id) MEDIC_CHECK(replace_file(folder / "partition.metadata", topic_id));
    const auto stored = stored_high_watermarks_.find(replica.id);
    replica.set_high_watermark(std::clamp(stored == stored_high_watermarks_.end() ? 0 : stored->second,
                                          replica.log->start_offset(), replica.log->end_offset()));
    return {};
}

void Replicas::open_failed(const Replica& replica, const Error& error) {
    log_error(who, "log of {} can't be opened: {}", replica.id.to_string(), error.message);
    disk_failed(error);
}

// Folders of topics that were deleted, or moved away, while this broker was down.
void Replicas::remove_strays() {
    strays_removed_ = true;
    std::error_code error;
    std::vector<std::filesystem::path> strays;
    for (const auto& entry : std::filesystem::directory_iterator(options_.log_dir, error)) {
        if (!entry.is_directory() || !std::filesystem::exists(entry.path() / "partition.metadata")) continue;
        const std::string name = entry.path().filename().string();
        const auto dash = name.rfind('-');
        if (dash == std::string::npos) continue;
        std::int32_t partition = -1;
        std::from_chars(name.data() + dash + 1, name.data() + name.size(), partition);
        if (!replicas_.contains({name.substr(0, dash), partition})) strays.push_back(entry.path());
    }
    for (const auto& stray : strays) {
        log_warn(who, "{} belongs to no replica of this broker any more: removed", stray.string());
        std::filesystem::remove_all(stray, error);
    }
}

void Replicas::store_high_watermarks() {
    if (offline_) return;
    std::string text;
    std::size_t count = 0;
    for (const auto& [id, replica] : replicas_) {
        if (!replica->log) continue;
        text += fmt::format("{} {} {}\n", id.topic, id.partition, replica->high_watermark);
        ++count;
    }
    const auto stored = replace_file(options_.log_dir / high_watermark_file, fmt::format("0\n{}\n{}", count, text));
    if (!stored) disk_failed(stored.error());
}

void Replicas::apply_retention(std::int64_t wall_ms) {
    const std::int64_t producer_expiry = config_.broker_number(image_, "producer.id.expiration.ms");
    for (const auto& [id, replica] : replicas_) {
        if (!replica->log) continue;
        replica->log->expire_producers(wall_ms - producer_expiry);
        const auto removed = replica->log->apply_retention(wall_ms, replica->high_watermark);
        if (!removed) return disk_failed(removed.error());
        if (*removed > 0) log_info(who, "{}: {} old segments removed", id.to_string(), *removed);
    }
}

void Replicas::refresh_options() {
    for (const auto& [id, replica] : replicas_) {
        if (replica->log) replica->log->set_options(log_options(id.topic));
    }
}

// As Kafka: one failed write takes the whole log dir offline, the process goes on answering.
void Replicas::disk_failed(const Error& error) {
    if (offline_) return;
    log_error(who, "log dir {} goes offline: {}", options_.log_dir.string(), error.message);
    offline_ = true;
    for (const auto& [id, replica] : replicas_) {
        const bool led = replica->leader.has_value();
        replica->leader.reset();
        if (led) callbacks_.leadership(id);
        wake_all(*replica);
    }
    callbacks_.log_dir_failed();
}

void Replicas::set_write_speed(std::int64_t bytes_per_second) {
    log_info(who, "the volume takes {} bytes/s from now on (0: as the file system is)", bytes_per_second);
    space_->write_bytes_per_second = bytes_per_second;
}

Status Replicas::grow(std::int64_t capacity_bytes) {
    if (space_->capacity_bytes == 0 || capacity_bytes < space_->capacity_bytes) {
        return fail(ErrorCode::invalid, "the log dir has {} bytes: it can grow, not shrink", total_bytes());
    }
    MEDIC_CHECK(replace_file(options_.log_dir / capacity_file, fmt::format("{}\n", capacity_bytes)));
    log_info(who, "log dir grows from {} to {} bytes", space_->capacity_bytes, capacity_bytes);
    space_->capacity_bytes = capacity_bytes;
    if (!offline_) return {};
    // Back online: logs are checked as after a crash, roles come with the controller's next records.
    offline_ = false;
    last_stop_ = Shutdown::unclean;
    for (const auto& [id, replica] : replicas_) {
        replica->log.reset();
        if (const auto opened = open_log(*replica); !opened) {
            open_failed(*replica, opened.error());
            return std::unexpected(opened.error());
        }
    }
    return {};
}

std::int64_t Replicas::used_bytes() const { return space_->used_bytes; }

std::int64_t Replicas::total_bytes() const {
    if (space_->capacity_bytes > 0) return space_->capacity_bytes;
    std::error_code error;
    const auto info = std::filesystem::space(options_.log_dir, error);
    return error ? -1 : static_cast<std::int64_t>(info.capacity);
}

std::int64_t Replicas::usable_bytes() const {
    if (space_->capacity_bytes > 0) return std::max<std::int64_t>(space_->capacity_bytes - space_->used_bytes, 0);
    std::error_code error;
    const auto info = std::filesystem::space(options_.log_dir, error);
    return error ? -1 : static_cast<std::int64_t>(info.available);
}

}  // namespace medic::engine::broker
