// The sending end of an edge, and the encoding of what travels over it. A task owns one ExchangeOutput per outgoing
// edge.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/flow/api/graph.h"
#include "engine/flow/runtime/network.h"

namespace medic::engine::flow {

// Where a record came from, carried along so that a failure anywhere can name it.
struct RecordOrigin {
    int partition = -1;  // -1: no record, or unknown.
    std::int64_t offset = -1;
};

struct Barrier {
    std::int64_t checkpoint_id = 0;
    std::int64_t trigger_unix_ms = 0;
    CheckpointMode mode = CheckpointMode::resume;
    std::string folder;  // Where the snapshots of this checkpoint go.
};

enum class ElementKind : std::uint8_t { record = 0, watermark = 1, barrier = 2, idle = 3 };

// One place to send frames to: a gate in this process, or a channel of a DataSender.
class FrameTarget {
public:
    virtual ~FrameTarget() = default;
    [[nodiscard]] virtual bool send(std::string& frame, const std::atomic<bool>& cancelled, WaitClock& wait) = 0;
    [[nodiscard]] virtual double usage() const = 0;  // 0 … 1: how much of its room is taken.
};
[[nodiscard]] std::unique_ptr<FrameTarget> local_target(std::shared_ptr<InputGate> gate, int channel);
[[nodiscard]] std::unique_ptr<FrameTarget> remote_target(std::shared_ptr<DataSender> sender, ChannelId id, int credits);

struct ExchangeOptions {
    Shipping shipping = Shipping::forward;
    int max_parallelism = default_max_parallelism;
    std::size_t segment_bytes = 32 << 10;  // taskmanager.memory.segment-size
};

class ExchangeOutput final : public Output {
public:
    ExchangeOutput(ExchangeOptions options, std::shared_ptr<const EdgeCodec> codec,
                   std::vector<std::unique_ptr<FrameTarget>> targets, const RecordOrigin& origin,
                   const std::atomic<bool>& cancelled, TaskMetrics& metrics);

    void emit(const void* value, EventTime timestamp) override;  // Throws Cancelled.
    void watermark(EventTime time);
    void idle();
    void barrier(const Barrier& barrier);  // Sealed and sent at once.
    void flush();
    [[nodiscard]] bool dirty() const { return dirty_; }
    [[nodiscard]] double usage() const;

private:
    void broadcast(const std::string& element);
    void seal(std::size_t target);

    ExchangeOptions options_;
    std::shared_ptr<const EdgeCodec> codec_;
    std::vector<std::unique_ptr<FrameTarget>> targets_;
    std::vector<std::string> buffers_;
    const RecordOrigin& origin_;
    const std::atomic<bool>& cancelled_;
    TaskMetrics& metrics_;
    std::size_t next_target_ = 0;
    bool dirty_ = false;
};

// Takes a frame apart.
class FrameReader {
public:
    explicit FrameReader(std::string_view frame) : from_(frame) {}
    [[nodiscard]] bool empty() const { return from_.empty(); }
    ElementKind kind() { return static_cast<ElementKind>(from_.number<std::uint8_t>()); }
    EventTime time() { return from_.number<EventTime>(); }
    Barrier barrier();
    // Decodes one record and hands it to `to`.
    void record(const EdgeCodec& codec, Operator& to, RecordOrigin& origin);

private:
    ByteReader from_;
};

}  // namespace medic::engine::flow
