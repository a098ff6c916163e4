// What runs on a task's thread: builds the chain, restores it, then moves records, watermarks and barriers through it.
// Inside of runtime/task.cc.
#pragma once

#include "engine/flow/runtime/partition_reader.h"
#include "engine/flow/runtime/task.h"
#include "engine/flow/runtime/watermarks.h"

namespace medic::engine::flow {

class TaskBody {
public:
    explicit TaskBody(Task& task);
    ~TaskBody();
    void prepare();  // Opens and restores every operator.
    void run();      // Returns when told to finish. Throws Cancelled.

private:
    class ContextOf;
    struct Member {
        const GraphOperator* described = nullptr;
        std::unique_ptr<Operator> op;  // Null for a source.
        std::unique_ptr<ContextOf> context;
        OperatorMetrics* metrics = nullptr;
    };
    // Takes what the job's parse function emits: notes its time for the watermark, and passes it on.
    class SourceOutput final : public Output {
    public:
        SourceOutput(TaskBody& body, Output& next) : body_(body), next_(next) {}
        void emit(const void* value, EventTime timestamp) override {
            if (timestamp != no_time) {
                body_.time_->observe(partition, timestamp, now_ms);
                last_timestamp = timestamp;
            }
            next_.emit(value, timestamp);
        }
        std::size_t partition = 0;
        std::int64_t now_ms = 0;
        EventTime last_timestamp = no_time;

    private:
        TaskBody& body_;
        Output& next_;
    };
    using Clock = std::chrono::steady_clock;

    void build_chain();
    Output& output_of(std::size_t member, int tag);
    void restore();
    void prepare_source(const std::map<std::string, RestoredState>& states);

    void run_fed();
    void take_frame(int channel, const std::string& frame);
    void on_barrier(int channel, const Barrier& barrier);
    void run_source();
    void read_records();
    void emit_source_watermark(bool force);

    void advance(EventTime watermark);
    void checkpoint(const Barrier& barrier, std::int64_t alignment_ms);
    void on_mail(const Mail& mail);
    void flush_if_due();
    [[nodiscard]] bool dirty() const;

    Task& task_;
    const Environment& environment_;
    const GraphVertex& vertex_;
    std::vector<Member> members_;
    std::vector<std::unique_ptr<Output>> links_;
    bool finish_ = false;
    bool stopped_ = false;  // The last barrier is out: what follows counts for nothing, and who reads it may be gone.

    WatermarkMerger inputs_;
    EventTime watermark_ = no_time;
    bool told_idle_ = false;
    std::int64_t aligning_ = 0;  // The checkpoint being aligned; 0: none.
    int arrived_ = 0;
    Clock::time_point alignment_began_;

    std::unique_ptr<SourceAdapter> adapter_;
    std::unique_ptr<PartitionReader> reader_;
    std::unique_ptr<SourceOutput> source_output_;
    std::vector<int> partitions_;  // Assigned ones, in order; the rest is by index into it.
    std::vector<std::int64_t> next_offsets_;
    std::unique_ptr<PartitionWatermarks> time_;
    bool exhausted_ = false;
    std::map<std::int64_t, std::map<int, std::int64_t>> offsets_of_checkpoint_;

    std::chrono::milliseconds buffer_timeout_{100};      // execution.buffer-timeout
    std::chrono::milliseconds watermark_interval_{200};  // pipeline.auto-watermark-interval
    Clock::time_point last_flush_, last_watermark_;
};

}  // namespace medic::engine::flow
