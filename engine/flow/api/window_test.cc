#include "engine/flow/api/flow.h"

#include <gtest/gtest.h>

namespace medic::engine::flow {
namespace {

using Event = std::pair<std::string, std::int64_t>;  // Key and value.
struct Result {
    std::string key;
    EventTime start;
    std::int64_t sum;
    bool operator==(const Result&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Result& result) {
    return out << result.key << "@" << result.start << "=" << result.sum;
}

struct Collected final : Output {
    void emit(const void* value, EventTime timestamp) override {
        results.push_back(*static_cast<const Result*>(value));
        times.push_back(timestamp);
    }
    std::vector<Result> results;
    std::vector<EventTime> times;
};
struct LateOnes final : Output {
    void emit(const void* value, EventTime) override { events.push_back(*static_cast<const Event*>(value)); }
    std::vector<Event> events;
};

class FakeContext final : public OperatorContext {
public:
    explicit FakeContext(int subtask = 0, int parallelism = 1) {
        info_.subtask = subtask;
        info_.parallelism = parallelism;
    }
    [[nodiscard]] const SubtaskInfo& info() const override { return info_; }
    Output& output(int tag) override { return tag == 0 ? static_cast<Output&>(results) : late; }
    [[nodiscard]] bool cancelled() const override { return false; }
    [[nodiscard]] EventTime watermark() const override { return no_time; }
    void count_late_record() override { ++late_count; }
    void describe_work(std::string_view) override {}
    std::unique_ptr<CommitSink> file_sink(const FileSinkOptions&) override { return nullptr; }

    Collected results;
    LateOnes late;
    int late_count = 0;

private:
    SubtaskInfo info_;
};

// State of one or several operators, kept in memory; handed back by key group as the engine does.
class MemoryState final : public StateWriter, public StateReader {
public:
    void keyed(int group, std::string_view bytes) override { groups.emplace_back(group, bytes); }
    void list(std::string_view) override {}
    void each_keyed(const std::function<void(int, std::string_view)>& visit) const override {
        for (const auto& [group, bytes] : groups)
            if (wanted.contains(group)) visit(group, bytes);
    }
    void each_list(const std::function<void(std::string_view)>&) const override {}
    std::vector<std::pair<int, std::string>> groups;
    KeyGroupRange wanted{0, default_max_parallelism - 1};
};

auto make_window(TumblingWindow window) {
    const auto key_of = std::function<std::string(const Event&)>([](const Event& event) { return event.first; });
    const auto add = [](std::int64_t& sum, const Event& event) { sum += event.second; };
    const auto emit = [](const Window<std::string>& w, const std::int64_t& sum, Collector<Result>& out) {
        out.emit({w.key, w.start, sum});
    };
    return std::make_unique<WindowOperator<std::string, Event, std::int64_t, Result, decltype(add), decltype(emit)>>(
        key_of, window, add, emit);
}

void put(Operator& op, const std::string& key, std::int64_t value, EventTime at) {
    const Event event{key, value};
    op.process(&event, at);
}

TEST(Window, FiresWhenTheWatermarkPassesItsEndAndNotBefore) {
    FakeContext context;
    const auto window = make_window({.size_ms = 1'000});
    window->open(context);
    put(*window, "a", 2, 1'000);
    put(*window, "a", 3, 1'999);
    put(*window, "a", 5, 2'000);
    window->watermark(1'998);
    EXPECT_TRUE(context.results.results.empty());
    window->watermark(1'999);
    EXPECT_EQ(context.results.results, (std::vector<Result>{{"a", 1'000, 5}}));
    EXPECT_EQ(context.results.times, (std::vector<EventTime>{1'999}));
    window->watermark(1'999);
    EXPECT_EQ(context.results.results.size(), 1U) << "a window fires once";
}

TEST(Window, NegativeTimesBelongToTheWindowBeforeZero) {
    EXPECT_EQ(window_start(-1, 1'000), -1'000);
    EXPECT_EQ(window_start(-1'000, 1'000), -1'000);
    EXPECT_EQ(window_start(0, 1'000), 0);
}

TEST(Window, ARecordBehindTheWatermarkIsCountedAndGoesToTheSideOutput) {
    FakeContext context;
    const auto window = make_window({.size_ms = 1'000});
    window->open(context);
    put(*window, "a", 1, 1'500);
    window->watermark(2'500);
    put(*window, "a", 7, 1'600);
    EXPECT_EQ(context.late_count, 1);
    EXPECT_EQ(context.late.events, (std::vector<Event>{{"a", 7}}));
    EXPECT_EQ(context.results.results.size(), 1U);
    put(*window, "a", 1, 2'400);
    EXPECT_EQ(context.late_count, 1) << "behind the watermark, but its window is still open";
}

TEST(Window, WithinTheAllowedLatenessAWindowFiresAgainWithTheNewResult) {
    FakeContext context;
    const auto window = make_window({.size_ms = 1'000, .allowed_lateness_ms = 500});
    window->open(context);
    put(*window, "a", 1, 1'500);
    window->watermark(2'400);
    put(*window, "a", 7, 1'600);
    EXPECT_EQ(context.results.results, (std::vector<Result>{{"a", 1'000, 1}, {"a", 1'000, 8}}));
    window->watermark(2'499);
    put(*window, "a", 9, 1'700);
    EXPECT_EQ(context.late_count, 1) << "the window is gone now";
}

TEST(Window, TheEndOfTimeFiresWhatIsLeftOnce) {
    FakeContext context;
    const auto window = make_window({.size_ms = 1'000, .allowed_lateness_ms = 10'000});
    window->open(context);
    put(*window, "a", 1, 1'500);
    put(*window, "b", 2, 7'500);
    window->watermark(2'000);
    window->watermark(end_of_time);
    EXPECT_EQ(context.results.results, (std::vector<Result>{{"a", 1'000, 1}, {"b", 7'000, 2}}));
}

TEST(Window, ARecordWithoutATimestampIsAnError) {
    FakeContext context;
    const auto window = make_window({.size_ms = 1'000});
    window->open(context);
    EXPECT_THROW(put(*window, "a", 1, no_time), std::runtime_error);
}

TEST(Window, StateOfTwoSubtasksIsRestoredByThreeWithoutLossOrDoubling) {
    MemoryState state;
    for (int subtask = 0; subtask < 2; ++subtask) {
        FakeContext context(subtask, 2);
        const auto window = make_window({.size_ms = 1'000});
        window->open(context);
        for (int key = 0; key < 500; ++key) {
            const std::string name = "k" + std::to_string(key);
            if (subtask_of_key_group(key_group_of(name, default_max_parallelism), 2, default_max_parallelism) ==
                subtask)
                put(*window, name, key, 1'500);
        }
        window->snapshot(1, state);
    }
    std::map<std::string, std::int64_t> sums;
    for (int subtask = 0; subtask < 3; ++subtask) {
        FakeContext context(subtask, 3);
        const auto window = make_window({.size_ms = 1'000});
        window->open(context);
        state.wanted = key_groups_of_subtask(subtask, 3, default_max_parallelism);
        window->restore(state);
        window->watermark(end_of_time);
        for (const Result& result : context.results.results)
            EXPECT_TRUE(sums.emplace(result.key, result.sum).second) << result.key << " twice";
    }
    ASSERT_EQ(sums.size(), 500U);
    for (int key = 0; key < 500; ++key) EXPECT_EQ(sums.at("k" + std::to_string(key)), key);
}

TEST(Window, WhatWasLateBeforeAFailureIsLateAfterIt) {
    MemoryState state;
    {
        FakeContext context;
        const auto window = make_window({.size_ms = 1'000});
        window->open(context);
        put(*window, "a", 1, 1'500);
        window->watermark(5'000);
        ASSERT_EQ(context.results.results.size(), 1U);
        window->snapshot(1, state);
    }
    FakeContext context;
    const auto window = make_window({.size_ms = 1'000});
    window->open(context);
    window->restore(state);
    put(*window, "a", 1, 1'700);
    put(*window, "a", 1, 5'100);
    window->watermark(4'000);
    window->watermark(6'000);
    EXPECT_EQ(context.late_count, 1);
    EXPECT_EQ(context.results.results, (std::vector<Result>{{"a", 5'000, 1}}));
}

}  // namespace
}  // namespace medic::engine::flow
