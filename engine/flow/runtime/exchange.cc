#include "engine/flow/runtime/exchange.h"

namespace medic::engine::flow {
namespace {

class LocalTarget final : public FrameTarget {
public:
    LocalTarget(std::shared_ptr<InputGate> gate, int channel) : gate_(std::move(gate)), channel_(channel) {}
    bool send(std::string& frame, const std::atomic<bool>& cancelled, WaitClock& wait) override {
        return gate_->offer(channel_, frame, cancelled, wait);
    }
    [[nodiscard]] double usage() const override {
        return static_cast<double>(gate_->queued(channel_)) / gate_->frames_per_channel();
    }

private:
    std::shared_ptr<InputGate> gate_;
    int channel_;
};

class RemoteTarget final : public FrameTarget {
public:
    RemoteTarget(std::shared_ptr<DataSender> sender, ChannelId id, int credits)
        : sender_(std::move(sender)), id_(id), credits_(credits) {
        sender_->open_channel(id_, credits);
    }
    bool send(std::string& frame, const std::atomic<bool>& cancelled, WaitClock& wait) override {
        return sender_->send(id_, frame, cancelled, wait);
    }
    [[nodiscard]] double usage() const override { return 1.0 - static_cast<double>(sender_->credits(id_)) / credits_; }

private:
    std::shared_ptr<DataSender> sender_;
    ChannelId id_;
    int credits_;
};

}  // namespace

std::unique_ptr<FrameTarget> local_target(std::shared_ptr<InputGate> gate, int channel) {
    return std::make_unique<LocalTarget>(std::move(gate), channel);
}

std::unique_ptr<FrameTarget> remote_target(std::shared_ptr<DataSender> sender, ChannelId id, int credits) {
    return std::make_unique<RemoteTarget>(std::move(sender), id, credits);
}

ExchangeOutput::ExchangeOutput(ExchangeOptions options, std::shared_ptr<const EdgeCodec> codec,
                               std::vector<std::unique_ptr<FrameTarget>> targets, const RecordOrigin& origin,
                               const std::atomic<bool>& cancelled, TaskMetrics& metrics)
    : options_(options),
      codec_(std::move(codec)),
      targets_(std::move(targets)),
      buffers_(targets_.size()),
      origin_(origin),
      cancelled_(cancelled),
      metrics_(metrics) {
    for (std::string& buffer : buffers_) buffer.reserve(options_.segment_bytes);
}

void ExchangeOutput::emit(const void* value, EventTime timestamp) {
    std::size_t target = 0;
    if (const int group = options_.shipping == Shipping::hash ? codec_->key_group(value, options_.max_parallelism) : -1;
        group >= 0) {
        target = static_cast<std::size_t>(
            subtask_of_key_group(group, static_cast<int>(targets_.size()), options_.max_parallelism));
    } else {
        target = next_target_;
        next_target_ = (next_target_ + 1) % targets_.size();
    }
    std::string& buffer = buffers_[target];
    ByteWriter to(buffer);
    to.number(static_cast<std::uint8_t>(ElementKind::record));
    to.number(timestamp);
    to.varint(static_cast<std::uint64_t>(origin_.partition + 1));
    to.varint(static_cast<std::uint64_t>(origin_.offset + 1));
    const std::size_t length_at = buffer.size();
    to.number<std::uint32_t>(0);
    codec_->write(value, to);
    const auto length = static_cast<std::uint32_t>(buffer.size() - length_at - sizeof(std::uint32_t));
    std::memcpy(buffer.data() + length_at, &length, sizeof length);
    metrics_.records_out.add();
    dirty_ = true;
    if (buffer.size() >= options_.segment_bytes) seal(target);
}

void ExchangeOutput::watermark(EventTime time) {
    std::string element;
    ByteWriter to(element);
    to.number(static_cast<std::uint8_t>(ElementKind::watermark));
    to.number(time);
    broadcast(element);
}

void ExchangeOutput::idle() { broadcast(std::string(1, static_cast<char>(ElementKind::idle))); }

void ExchangeOutput::barrier(const Barrier& barrier) {
    std::string element;
    ByteWriter to(element);
    to.number(static_cast<std::uint8_t>(ElementKind::barrier));
    to.number(barrier.checkpoint_id);
    to.number(barrier.trigger_unix_ms);
    to.number(static_cast<std::uint8_t>(barrier.mode));
    to.bytes(barrier.folder);
    broadcast(element);
    flush();
}

void ExchangeOutput::broadcast(const std::string& element) {
    for (std::string& buffer : buffers_) buffer += element;
    dirty_ = true;
}

void ExchangeOutput::flush() {
    for (std::size_t i = 0; i < buffers_.size(); ++i)
        if (!buffers_[i].empty()) seal(i);
    dirty_ = false;
}

void ExchangeOutput::seal(std::size_t target) {
    std::string frame;
    frame.reserve(options_.segment_bytes + 256);
    frame.swap(buffers_[target]);
    metrics_.bytes_out.add(frame.size());
    metrics_.buffers_out.add();
    if (!targets_[target]->send(frame, cancelled_, metrics_.backpressured)) throw Cancelled();
}

double ExchangeOutput::usage() const {
    double sum = 0;
    for (const auto& target : targets_) sum += target->usage();
    return targets_.empty() ? 0 : sum / static_cast<double>(targets_.size());
}

Barrier FrameReader::barrier() {
    Barrier barrier;
    barrier.checkpoint_id = from_.number<std::int64_t>();
    barrier.trigger_unix_ms = from_.number<std::int64_t>();
    barrier.mode = static_cast<CheckpointMode>(from_.number<std::uint8_t>());
    barrier.folder = std::string(from_.bytes());
    return barrier;
}

void FrameReader::record(const EdgeCodec& codec, Operator& to, RecordOrigin& origin) {
    const EventTime timestamp = from_.number<EventTime>();
    origin.partition = static_cast<int>(from_.varint()) - 1;
    origin.offset = static_cast<std::int64_t>(from_.varint()) - 1;
    const auto length = from_.number<std::uint32_t>();
    const std::string_view bytes = from_.raw(length);
    ByteReader value(bytes);
    codec.read(value, timestamp, to);
    if (!value.empty()) throw std::runtime_error("Serializer consumed fewer bytes than the record had");
}

}  // namespace medic::engine::flow
