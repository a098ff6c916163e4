// A source's outside: numbered partitions of records with offsets. Implemented by connectors/. One object per source
// subtask, used from that subtask's thread. Failures are exceptions: they fail the task.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/flow/api/graph.h"
#include "engine/flow/runtime/metrics.h"

namespace medic::engine::flow {

struct PartitionStart {
    int partition = 0;
    std::int64_t next_offset = -1;  // -1: nothing restored, begin as the options say.
};

class PartitionReader {
public:
    virtual ~PartitionReader() = default;
    [[nodiscard]] virtual int partition_count() = 0;  // All that exist; this subtask reads those assigned to it.
    virtual void assign(const std::vector<PartitionStart>& starts) = 0;
    // Right after assign(): the offset of its first record to come, so that a checkpoint knows it before there is one.
    [[nodiscard]] virtual std::int64_t position(int partition) const = 0;
    // The next record at hand; its views hold until the next call. False: none at hand.
    [[nodiscard]] virtual bool next(SourceRecord& record) = 0;
    virtual void wait(std::chrono::milliseconds at_most) = 0;       // Until there may be a record.
    [[nodiscard]] virtual bool exhausted(int partition) const = 0;  // It will never have another one.
    // When it last looked (steady clock, ms) and there was nothing more to be read; nullopt: there was, or it never
    // looked. A partition that nobody has looked at since its last record (the source is busy with others, or held up)
    // is not idle, however long it has given none.
    [[nodiscard]] virtual std::optional<std::int64_t> empty_at_ms(int partition) const = 0;
    // Offsets to go on from, by partition; for the outside to see progress, never to restore from. Best effort.
    virtual void commit(const std::map<int, std::int64_t>& next_offsets) = 0;
};

struct ReaderContext {
    int subtask = 0;
    int parallelism = 1;
    const std::atomic<bool>& cancelled;
    SourceMetrics& metrics;
};

[[nodiscard]] std::unique_ptr<PartitionReader> make_partition_reader(const Node& node, const ReaderContext& context);

[[nodiscard]] constexpr int subtask_of_partition(int partition, int parallelism) { return partition % parallelism; }

}  // namespace medic::engine::flow
