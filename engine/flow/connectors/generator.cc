#include "engine/flow/connectors/generator.h"

#include <algorithm>
#include <thread>

namespace medic::engine::flow {
namespace {

class Generator final : public PartitionReader {
public:
    explicit Generator(const GeneratorOptions& options) : options_(options) {
        if (options.partitions < 1) throw std::invalid_argument("generator: needs at least one partition");
    }
    int partition_count() override { return options_.partitions; }

    void assign(const std::vector<PartitionStart>& starts) override {
        for (const PartitionStart& start : starts)
            assigned_.push_back({start.partition, std::max<std::int64_t>(0, start.next_offset)});
        began_ns_ = steady_ns();
    }

    [[nodiscard]] std::int64_t position(int number) const override {
        const auto found = std::ranges::find(assigned_, number, &Partition::number);
        return found == assigned_.end() ? -1 : found->next;
    }

    bool next(SourceRecord& record) override {
        if (allowed_ == 0 && !allow_more()) return false;
        for (std::size_t tried = 0; tried < assigned_.size(); ++tried) {
            Partition& partition = assigned_[turn_];
            turn_ = (turn_ + 1) % assigned_.size();
            if (done(partition)) continue;
            record = {partition.number, partition.next++, no_time, {}, {}};
            ++emitted_;
            --allowed_;
            return true;
        }
        return false;
    }

    void wait(std::chrono::milliseconds at_most) override {
        std::this_thread::sleep_for(std::min(at_most, std::chrono::milliseconds(5)));
    }

    [[nodiscard]] bool exhausted(int number) const override {
        return std::any_of(assigned_.begin(), assigned_.end(),
                           [&](const Partition& p) { return p.number == number && done(p); });
    }

    [[nodiscard]] std::optional<std::int64_t> empty_at_ms(int) const override {
        return allowed_ == 0 ? std::optional(steady_ns() / 1'000'000) : std::nullopt;  // Partitions take turns.
    }

    void commit(const std::map<int, std::int64_t>&) override {}

private:
    struct Partition {
        int number = 0;
        std::int64_t next = 0;
    };
    [[nodiscard]] bool done(const Partition& partition) const {
        return options_.records_per_partition >= 0 && partition.next >= options_.records_per_partition;
    }

    // This subtask's share of the rate, from when it began.
    bool allow_more() {
        constexpr std::int64_t unlimited_batch = 1024;
        if (options_.records_per_second <= 0) {
            allowed_ = unlimited_batch;
            return !assigned_.empty();
        }
        const double share = options_.records_per_second * static_cast<double>(assigned_.size()) / options_.partitions;
        const auto due = static_cast<std::int64_t>(share * static_cast<double>(steady_ns() - began_ns_) / 1e9);
        allowed_ = std::max<std::int64_t>(0, due - emitted_);
        return allowed_ > 0;
    }

    GeneratorOptions options_;
    std::vector<Partition> assigned_;
    std::size_t turn_ = 0;
    std::int64_t began_ns_ = 0, emitted_ = 0, allowed_ = 0;
};

}  // namespace

std::unique_ptr<PartitionReader> make_generator(const GeneratorOptions& options) {
    return std::make_unique<Generator>(options);
}

}  // namespace medic::engine::flow
