// Tumbling event-time windows per key. A part of flow.h, which includes it; job code uses KeyedStream::window.
#pragma once

#include <algorithm>
#include <map>
#include <unordered_map>

namespace medic::engine::flow {

constexpr EventTime window_start(EventTime timestamp, std::int64_t size_ms) {
    const EventTime remainder = timestamp % size_ms;
    return timestamp - (remainder < 0 ? remainder + size_ms : remainder);
}

// State of a key group in a checkpoint: the watermark of its subtask, then (window start, key, accumulator) triples.
// The watermark is kept so that a record which was late before a failure is late after it too, and no window fires
// twice.
template <class K, class T, class Acc, class Out, class Add, class Emit>
class WindowOperator final : public Operator {
public:
    WindowOperator(std::function<K(const T&)> key_of, TumblingWindow window, Add add, Emit emit)
        : key_of_(std::move(key_of)), window_(window), add_(std::move(add)), emit_(std::move(emit)) {}

    void open(OperatorContext& context) override {
        Operator::open(context);
        if (window_.size_ms <= 0 || window_.allowed_lateness_ms < 0)
            throw std::invalid_argument("window: size_ms must be positive and allowed_lateness_ms not negative");
        main_ = &context.output(0);
        late_ = &context.output(1);
    }

    void restore(const StateReader& state) override {
        state.each_keyed([this](int group, std::string_view bytes) {
            ByteReader from(bytes);
            const auto reached = from.number<EventTime>();
            group_watermarks_[group] = std::max(group_watermarks_.try_emplace(group, no_time).first->second, reached);
            restored_watermark_ = std::max(restored_watermark_, reached);
            while (!from.empty()) {
                const auto start = from.number<EventTime>();
                K key = Serializer<K>::read(from);
                windows_[start].insert_or_assign(std::move(key), Serializer<Acc>::read(from));
            }
        });
    }

    void process(const void* value, EventTime timestamp) override {
        if (timestamp == no_time)
            throw std::runtime_error("record without a timestamp: give its source a WatermarkStrategy with one");
        const T& record = *static_cast<const T*>(value);
        K key = key_of_(record);
        const EventTime start = window_start(timestamp, window_.size_ms);
        const EventTime last = start + window_.size_ms - 1;
        const EventTime reached = watermark_of(key);
        if (last + window_.allowed_lateness_ms <= reached) {
            context_->count_late_record();
            late_->emit(value, timestamp);
            return;
        }
        if (start != cached_start_ || cached_ == nullptr) {
            cached_ = &windows_[start];
            cached_start_ = start;
        }
        const auto [slot, fresh] = cached_->try_emplace(std::move(key));
        add_(slot->second, record);
        if (last <= reached) fire(start, slot->first, slot->second);
    }

    void watermark(EventTime now) override {
        for (auto at = windows_.begin(); at != windows_.end();) {
            const EventTime last = at->first + window_.size_ms - 1;
            if (last > now) break;
            if (last > watermark_) {
                context_->describe_work("window that starts at " + std::to_string(at->first));
                for (const auto& [key, accumulator] : at->second)
                    if (last > watermark_of(key)) fire(at->first, key, accumulator);
                context_->describe_work({});
            }
            if (now != end_of_time && last + window_.allowed_lateness_ms > now) {
                ++at;
                continue;
            }
            at = windows_.erase(at);
            cached_ = nullptr;
        }
        watermark_ = now;
    }

    void snapshot(std::int64_t, StateWriter& state) override {
        const int max_parallelism = context_->info().max_parallelism;
        const KeyGroupRange mine =
            key_groups_of_subtask(context_->info().subtask, context_->info().parallelism, max_parallelism);
        std::vector<std::string> groups(static_cast<std::size_t>(max_parallelism));
        for (int group = mine.first; group <= mine.last; ++group)
            ByteWriter(groups[static_cast<std::size_t>(group)]).number(std::max(watermark_, restored_of(group)));
        for (const auto& [start, keys] : windows_) {
            for (const auto& [key, accumulator] : keys) {
                ByteWriter to(groups[static_cast<std::size_t>(key_group_of(key, max_parallelism))]);
                to.number(start);
                Serializer<K>::write(key, to);
                Serializer<Acc>::write(accumulator, to);
            }
        }
        for (int group = mine.first; group <= mine.last; ++group)
            state.keyed(group, groups[static_cast<std::size_t>(group)]);
    }

private:
    void fire(EventTime start, const K& key, const Acc& accumulator) {
        Collector<Out> out(*main_, start + window_.size_ms - 1);
        emit_(Window<K>{key, start, start + window_.size_ms}, accumulator, out);
    }
    [[nodiscard]] EventTime restored_of(int group) const {
        const auto found = group_watermarks_.find(group);
        return found == group_watermarks_.end() ? no_time : found->second;
    }
    // Until the watermark has caught up with what it was before a restore, each key group knows its own.
    [[nodiscard]] EventTime watermark_of(const K& key) const {
        if (watermark_ >= restored_watermark_) return watermark_;
        return std::max(watermark_, restored_of(key_group_of(key, context_->info().max_parallelism)));
    }

    std::function<K(const T&)> key_of_;
    TumblingWindow window_;
    Add add_;
    Emit emit_;
    Output* main_ = nullptr;
    Output* late_ = nullptr;
    EventTime watermark_ = no_time;
    EventTime restored_watermark_ = no_time;
    std::unordered_map<int, EventTime> group_watermarks_;

    using Keys = std::unordered_map<K, Acc, KeyHasher<K>>;
    std::map<EventTime, Keys> windows_;
    Keys* cached_ = nullptr;  // The window of the last record: records of one minute come together.
    EventTime cached_start_ = no_time;
};

}  // namespace medic::engine::flow
