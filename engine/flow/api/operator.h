// What the engine asks of an operator, and what an operator may ask of the engine. Most jobs never touch this: flow.h
// builds operators from functions. Derive from Operator only for what flow.h does not offer, and add it with
// DataStream::process_with.
//
// One Operator object belongs to one subtask, and every call comes from that subtask's thread. Values are handed over
// as `const void*` to the operator's input type: the typed layer above (flow.h) puts matching types together.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/flow/api/codec.h"
#include "engine/flow/api/key.h"

namespace medic::engine::flow {

using EventTime = std::int64_t;  // Milliseconds since 1970, of the event, not of its arrival.
inline constexpr EventTime no_time = std::numeric_limits<EventTime>::min();      // "No watermark yet".
inline constexpr EventTime end_of_time = std::numeric_limits<EventTime>::max();  // The input has ended.

// Thrown by the engine through user code when the task is being cancelled; let it pass.
struct Cancelled : std::runtime_error {
    Cancelled() : std::runtime_error("the task is being cancelled") {}
};

// Where an operator's results go.
class Output {
public:
    virtual ~Output() = default;
    virtual void emit(const void* value, EventTime timestamp) = 0;
};

struct FileSinkOptions {
    std::string directory;  // Committed files are `part-*` in it; a name that begins with '.' is not committed yet.
    std::string prefix = "part";  // Two sinks may share a directory only under different prefixes.
};

// A sink whose output becomes visible only with a completed checkpoint. Implement it for an outside system, or use
// sink_files.
class CommitSink {
public:
    virtual ~CommitSink() = default;
    virtual void write(std::string_view bytes) = 0;
    // Makes everything written since the last call durable but invisible. Returns what commit() needs; "" when there is
    // nothing.
    virtual std::string prepare(std::int64_t checkpoint_id) = 0;
    // Makes it visible. Called again after a crash: must do nothing the second time.
    virtual void commit(const std::string& committable) = 0;
    // Called once before the first write. `known` is everything the restored checkpoint (if any) holds, of all
    // subtasks; of what older executions left behind, whatever is not in it belongs to an aborted checkpoint: remove
    // it.
    virtual void recover(const std::vector<std::string>& known) = 0;
};

struct SubtaskInfo {
    std::string job_id;
    std::string job_name;
    std::string operator_name;
    std::string uid;
    int subtask = 0;
    int parallelism = 1;
    int max_parallelism = default_max_parallelism;
    std::int64_t generation = 0;  // Grows with every deployment of the job, in any job manager: tells executions apart.
};

// Lives as long as its operator.
class OperatorContext {
public:
    virtual ~OperatorContext() = default;
    [[nodiscard]] virtual const SubtaskInfo& info() const = 0;
    [[nodiscard]] virtual Output& output(
        int tag) = 0;  // 0 is the main output, 1 a side output; unconnected ones swallow.
    [[nodiscard]] virtual bool cancelled() const = 0;  // Long-running user code should look, and return.
    [[nodiscard]] virtual EventTime watermark() const = 0;
    virtual void count_late_record() = 0;  // numLateRecordsDropped
    virtual void describe_work(
        std::string_view what) = 0;  // For failure reports where there is no record, e.g. a firing window.
    [[nodiscard]] virtual std::unique_ptr<CommitSink> file_sink(const FileSinkOptions& options) = 0;
};

class StateWriter {
public:
    virtual ~StateWriter() = default;
    virtual void keyed(int key_group, std::string_view bytes) = 0;  // Comes back at whichever subtask owns the group.
    virtual void list(std::string_view item) = 0;  // Comes back at every subtask, with everybody's items.
};

class StateReader {
public:
    virtual ~StateReader() = default;
    virtual void each_keyed(const std::function<void(int key_group, std::string_view bytes)>& visit) const = 0;
    virtual void each_list(const std::function<void(std::string_view item)>& visit) const = 0;
};

class Operator {
public:
    virtual ~Operator() = default;
    virtual void open(OperatorContext& context) { context_ = &context; }
    virtual void restore(const StateReader&) {}  // After open, before the first record; not called for a fresh start.
    virtual void ready() {}                      // After open and restore, before the first record.
    virtual void process(const void* value, EventTime timestamp) = 0;
    virtual void watermark(EventTime) {}  // What it emits here still arrives before the watermark.
    virtual void snapshot(std::int64_t /*checkpoint_id*/, StateWriter&) {}
    virtual void checkpoint_complete(std::int64_t /*checkpoint_id*/) {}
    virtual void close() {}  // Not called after a failure.

protected:
    OperatorContext* context_ = nullptr;
};

// What a source hands to the job's parse function. Views are valid during the call only.
struct SourceRecord {
    int partition = 0;
    std::int64_t offset = 0;
    EventTime timestamp = no_time;  // The broker's or producer's; no_time for a generator.
    std::string_view key;
    std::string_view value;
};

class SourceAdapter {
public:
    virtual ~SourceAdapter() = default;
    virtual void emit(const SourceRecord& record, Output& output) = 0;
};

// Turns values into bytes and back at an exchange, and chooses the receiving key group.
class EdgeCodec {
public:
    virtual ~EdgeCodec() = default;
    [[nodiscard]] virtual int key_group(const void* value, int max_parallelism) const = 0;  // -1: any subtask will do.
    virtual void write(const void* value, ByteWriter& to) const = 0;
    virtual void read(ByteReader& from, EventTime timestamp,
                      Operator& to) const = 0;  // Decodes one value and processes it.
};

}  // namespace medic::engine::flow
