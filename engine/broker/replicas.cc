#include "engine/broker/replicas.h"

#include <algorithm>
#include <charconv>
#include <sstream>

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

bool contains(const std::vector<BrokerId>& ids, BrokerId id) { return std::ranges::find(ids, id) != ids.end(); }

}  // namespace

Replicas::Replicas(ReplicasOptions options, const ClusterImage& image, const Config& config, Callbacks callbacks)
    : options_(std::move(options)), image_(image), config_(config), callbacks_(std::move(callbacks)) {}

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

void Replicas::apply(const std::set<std::string>& topics, Instant now) {
    std::erase_if(counters_.topics, [&](const auto& entry) { return !image_.topic(entry.first); });
    std::vector<TopicPartition> gone;
    for (const auto& [id, replica] : replicas_) {
        if (!topics.contains(id.topic)) continue;
        const PartitionState* state = image_.partition(id.topic, id.partition);
        if (!state || !contains(state->replicas, options_.self)) gone.push_back(id);
    }
    for (const auto& id : gone) remove(id);
    for (const std::string& name : topics) {
        const TopicState* topic = image_.topic(name);
        if (!topic) continue;
        for (const PartitionState& state : topic->partitions) {
            if (!contains(state.replicas, options_.self)) continue;
            auto& replica = replicas_[{name, state.partition}];
            if (!replica) {
                replica = std::make_unique<Replica>();
                replica->id = {name, state.partition};
                replica->state.leader_epoch = -1;
            }
            if (!replica->log && !offline_) {
                if (const auto opened = open_log(*replica); !opened) open_failed(*replica, opened.error());
            }
            give_role(*replica, state, now);
        }
    }
    if (!strays_removed_) remove_strays();
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
    replica.high_watermark = std::clamp(stored == stored_high_watermarks_.end() ? 0 : stored->second,
                                        replica.log->start_offset(), replica.log->end_offset());
    return {};
}

void Replicas::open_failed(const Replica& replica, const Error& error) {
    log_error(who, "log of {} can't be opened: {}", replica.id.to_string(), error.message);
    disk_failed(error);
}

void Replicas::give_role(Replica& replica, const PartitionState& state, Instant now) {
    const PartitionState before = std::exchange(replica.state, state);
    const bool same_reign = before.leader_epoch == state.leader_epoch;
    if (!replica.log || offline_) {
        replica.leader.reset();
        return;
    }
    if (state.leader != options_.self) {
        const bool led = replica.leader.has_value();
        replica.leader.reset();
        if (led || !same_reign) wake_all(replica);
        if (const auto done = replica.log->forget_empty_epochs(); !done) return disk_failed(done.error());
        if (led) callbacks_.leadership(replica.id);
        return;
    }
    if (replica.leader && same_reign) {
        if (state.isr.size() < before.isr.size()) ++counters_.isr_shrinks;
        if (state.isr.size() > before.isr.size()) ++counters_.isr_expands;
        replica.leader->update(state, now);
        advance(replica);
        return;
    }
    if (const auto noted = replica.log->note_epoch(state.leader_epoch); !noted) return disk_failed(noted.error());
    replica.leader.emplace(state, options_.self, replica.log->end_offset(), now);
    wake_all(replica);
    advance(replica);
    callbacks_.leadership(replica.id);
}

void Replicas::remove(const TopicPartition& id) {
    const auto found = replicas_.find(id);
    if (found == replicas_.end()) return;
    const auto replica = std::move(found->second);
    replicas_.erase(found);
    stored_high_watermarks_.erase(id);
    const bool led = replica->leader.has_value();
    replica->leader.reset();
    replica->log.reset();
    wake_all(*replica);
    if (led) callbacks_.leadership(id);
    std::error_code error;
    std::filesystem::remove_all(folder_of(id), error);
    log_info(who, "replica {} removed", id.to_string());
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

Replica* Replicas::find(std::string_view topic, std::int32_t partition) {
    const auto found = replicas_.find(TopicPartition{std::string(topic), partition});
    return found == replicas_.end() ? nullptr : found->second.get();
}

Fault Replicas::check_leader(const Replica* replica, std::int32_t epoch) const {
    if (!replica) return Fault::unknown_topic_or_partition;
    if (!replica->log || offline_) return Fault::kafka_storage_error;
    if (epoch >= 0 && epoch < replica->state.leader_epoch) return Fault::fenced_leader_epoch;
    if (epoch > replica->state.leader_epoch) return Fault::unknown_leader_epoch;
    return replica->leads() ? Fault::none : Fault::not_leader_or_follower;
}

std::size_t Replicas::min_in_sync(const std::string& topic) const {
    return static_cast<std::size_t>(config_.topic_number(image_, topic, "min.insync.replicas"));
}

TopicCounters& Replicas::counters(std::string_view topic) {
    const auto found = counters_.topics.find(topic);
    if (found != counters_.topics.end()) return found->second;
    // Names of topics that don't exist must not pile up.
    return image_.topic(topic) ? counters_.topics[std::string(topic)] : unknown_topic_;
}

Log::Appended Replicas::append(Replica& replica, const AppendRequest& request) {
    if (request.all_in_sync && replica.leader->isr_size() < min_in_sync(replica.id.topic)) {
        return {.fault = Fault::not_enough_replicas, .message = "The ISR is smaller than min.insync.replicas."};
    }
    auto appended = replica.log->append_as_leader(request.batches, replica.state.leader_epoch, request.wall_ms);
    if (!appended) {
        disk_failed(appended.error());
        return {.fault = Fault::kafka_storage_error, .message = appended.error().message};
    }
    const auto bytes = static_cast<std::uint64_t>(request.batches.size());
    for (TopicCounters* counters : {&counters_.all, &this->counters(replica.id.topic)}) {
        if (appended->fault == Fault::none && !appended->duplicate) {
            counters->messages_in += static_cast<std::uint64_t>(appended->records);
            counters->bytes_in += bytes;
        } else if (appended->fault != Fault::none) {
            counters->bytes_rejected += bytes;
        }
    }
    if (appended->fault == Fault::none && !appended->duplicate) {
        drain(replica.follower_waiters, callbacks_.fetch_ready);
        advance(replica);
    }
    return *std::move(appended);
}

bool Replicas::append_fetched(Replica& replica, std::string_view batches, std::int64_t leader_high_watermark,
                              std::int64_t wall_ms) {
    if (!batches.empty()) {
        const auto records = replica.log->append_as_follower(batches, wall_ms);
        if (!records) {
            if (records.error().code == ErrorCode::unavailable) disk_failed(records.error());
            log_warn(who, "{}: {}", replica.id.to_string(), records.error().message);
            return false;
        }
        counters_.all.replication_bytes_in += batches.size();
        if (contains(replica.state.adding, options_.self)) counters_.all.reassignment_bytes_in += batches.size();
    }
    replica.high_watermark =
        std::max(replica.high_watermark, std::min(leader_high_watermark, replica.log->end_offset()));
    return true;
}

void Replicas::truncate(Replica& replica, std::int64_t offset) {
    if (offset < replica.high_watermark) {
        log_warn(who, "{}: cut to {} below its high watermark {}", replica.id.to_string(), offset,
                 replica.high_watermark);
    }
    if (const auto done = replica.log->truncate_to(offset); !done) return disk_failed(done.error());
    replica.high_watermark = std::min(replica.high_watermark, replica.log->end_offset());
}

void Replicas::restart_log(Replica& replica, std::int64_t offset) {
    if (const auto done = replica.log->restart_at(offset); !done) return disk_failed(done.error());
    replica.high_watermark = offset;
}

void Replicas::raise_log_start(Replica& replica, std::int64_t offset) {
    if (const auto done = replica.log->raise_start(offset); !done) return disk_failed(done.error());
    replica.high_watermark = std::max(replica.high_watermark, replica.log->start_offset());
}

void Replicas::on_follower_fetch(Replica& replica, BrokerId follower, std::int64_t offset, Instant now) {
    replica.leader->on_fetch(follower, offset, replica.log->end_offset(), now);
    advance(replica);
    if (contains(replica.state.isr, follower)) return;
    const auto wanted = replica.leader->wanted_isr({.log_end = replica.log->end_offset(),
                                                    .high_watermark = replica.high_watermark,
                                                    .now = now,
                                                    .lag_max = Duration::max(),
                                                    .usable = [this](BrokerId id) { return image_.usable(id); }});
    if (!wanted) return;
    callbacks_.alter_isr({{.topic = replica.id.topic,
                           .partition = replica.id.partition,
                           .leader_epoch = replica.state.leader_epoch,
                           .partition_epoch = replica.state.partition_epoch,
                           .isr = *wanted}});
}

Result<std::string> Replicas::read(Replica& replica, std::int64_t offset, const ReadLimits& limits) {
    auto bytes = replica.log->read(offset, limits);
    if (!bytes && bytes.error().code == ErrorCode::unavailable) disk_failed(bytes.error());
    return bytes;
}

void Replicas::drain(std::vector<std::uint64_t>& waiters, const std::function<void(std::uint64_t)>& wake) {
    for (const std::uint64_t request : std::exchange(waiters, {})) wake(request);
}

void Replicas::advance(Replica& replica) {
    const std::int64_t committed = replica.leader->committed_end(replica.log->end_offset());
    if (committed <= replica.high_watermark) return;
    replica.high_watermark = committed;
    wake_produce(replica);
    drain(replica.consumer_waiters, callbacks_.fetch_ready);
}

void Replicas::wake_produce(Replica& replica) {
    while (!replica.produce_waiters.empty() && replica.produce_waiters.front().offset <= replica.high_watermark) {
        const std::uint64_t request = replica.produce_waiters.front().request;
        replica.produce_waiters.pop_front();
        callbacks_.produce_progress(request);
    }
}

// The role has changed: everybody who waits has to look again.
void Replicas::wake_all(Replica& replica) {
    for (const auto& waiter : std::exchange(replica.produce_waiters, {})) callbacks_.produce_progress(waiter.request);
    drain(replica.consumer_waiters, callbacks_.fetch_ready);
    drain(replica.follower_waiters, callbacks_.fetch_ready);
}

void Replicas::isr_answer(const AlterPartition& wish, Fault fault) {
    Replica* replica = find(wish.topic, wish.partition);
    if (!replica || !replica->leader || replica->state.leader_epoch != wish.leader_epoch) return;
    if (fault == Fault::none) return;
    ++counters_.failed_isr_updates;
    replica->leader->change_failed();
}

void Replicas::check_isr(Instant now, Duration lag_max) {
    std::vector<AlterPartition> wishes;
    for (const auto& [id, replica] : replicas_) {
        if (!replica->leads()) continue;
        const auto wanted =
            replica->leader->wanted_isr({.log_end = replica->log->end_offset(),
                                         .high_watermark = replica->high_watermark,
                                         .now = now,
                                         .lag_max = lag_max,
                                         .usable = [this](BrokerId broker) { return image_.usable(broker); }});
        if (!wanted) continue;
        wishes.push_back({.topic = id.topic,
                          .partition = id.partition,
                          .leader_epoch = replica->state.leader_epoch,
                          .partition_epoch = replica->state.partition_epoch,
                          .isr = *wanted});
    }
    if (!wishes.empty()) callbacks_.alter_isr(std::move(wishes));
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
