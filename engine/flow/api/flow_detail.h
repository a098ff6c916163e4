// The operators behind flow.h. Not for job code; flow.h includes it.
#pragma once

#include "engine/flow/api/flow.h"
#include "engine/flow/api/window.h"

namespace medic::engine::flow {
namespace detail {

// Hides from the compiler which function it calls, so that the user's code keeps a frame of its own in a back trace.
template <class F, class... Arguments>
decltype(auto) call_visibly(F& f, Arguments&&... arguments) {
    if constexpr (requires { &F::operator(); }) {
        auto function = &F::operator();
        __asm__ volatile("" : "+m"(function));
        return (f.*function)(std::forward<Arguments>(arguments)...);
    } else {
        return f(std::forward<Arguments>(arguments)...);
    }
}

// Calls f(arguments…) or, where it takes one more parameter, f(arguments…, context).
template <class F, class... Arguments>
decltype(auto) call(F& f, Context& context, Arguments&&... arguments) {
    if constexpr (std::is_invocable_v<F&, Arguments..., Context&>) {
        return call_visibly(f, std::forward<Arguments>(arguments)..., context);
    } else {
        return call_visibly(f, std::forward<Arguments>(arguments)...);
    }
}

// f with a frame of its own, for keeping in a std::function.
template <class F>
auto visible(F f) {
    return [f](const auto& value) mutable -> decltype(auto) { return call_visibly(f, value); };
}

template <class F, class T>
using CallResult =
    std::remove_cvref_t<decltype(call(std::declval<F&>(), std::declval<Context&>(), std::declval<const T&>()))>;

// Base of operators made from functions: holds the Context that they may ask for.
class FunctionOperator : public Operator {
public:
    void open(OperatorContext& context) override {
        Operator::open(context);
        function_context_.emplace(context);
        main_ = &context.output(0);
    }

protected:
    Context& at(EventTime timestamp) {
        function_context_->set_timestamp(timestamp);
        return *function_context_;
    }
    Output& main() { return *main_; }

private:
    std::optional<Context> function_context_;
    Output* main_ = nullptr;
};

template <class T, class Out, class F>
class MapOperator final : public FunctionOperator {
public:
    explicit MapOperator(F f) : f_(std::move(f)) {}
    void process(const void* value, EventTime timestamp) override {
        const Out result = call(f_, at(timestamp), *static_cast<const T*>(value));
        main().emit(&result, timestamp);
    }

private:
    F f_;
};

template <class T, class Out, class F>
class FlatMapOperator final : public FunctionOperator {
public:
    explicit FlatMapOperator(F f) : f_(std::move(f)) {}
    void process(const void* value, EventTime timestamp) override {
        Collector<Out> out(main(), timestamp);
        call(f_, at(timestamp), *static_cast<const T*>(value), out);
    }

private:
    F f_;
};

template <class T, class F>
class FilterOperator final : public FunctionOperator {
public:
    explicit FilterOperator(F f) : f_(std::move(f)) {}
    void process(const void* value, EventTime timestamp) override {
        if (call(f_, at(timestamp), *static_cast<const T*>(value))) main().emit(value, timestamp);
    }

private:
    F f_;
};

template <class T, class F>
class SinkOperator final : public FunctionOperator {
public:
    explicit SinkOperator(F f) : f_(std::move(f)) {}
    void process(const void* value, EventTime timestamp) override {
        call(f_, at(timestamp), *static_cast<const T*>(value));
    }

private:
    F f_;
};

// Two-phase commit: what prepare() returned is kept in the checkpoint until commit() is sure to have happened.
template <class T, class F>
class CommitSinkOperator final : public FunctionOperator {
public:
    CommitSinkOperator(std::function<std::unique_ptr<CommitSink>(OperatorContext&)> make, F format)
        : make_(std::move(make)), format_(std::move(format)) {}

    void open(OperatorContext& context) override {
        FunctionOperator::open(context);
        sink_ = make_(context);
    }
    void restore(const StateReader& state) override {
        state.each_list([this](std::string_view item) { known_.emplace_back(item); });
    }
    void ready() override {
        const auto parallelism = static_cast<std::size_t>(context_->info().parallelism);
        for (std::size_t i = static_cast<std::size_t>(context_->info().subtask); i < known_.size(); i += parallelism)
            sink_->commit(known_[i]);
        sink_->recover(known_);
        known_.clear();
    }
    void process(const void* value, EventTime timestamp) override {
        sink_->write(call(format_, at(timestamp), *static_cast<const T*>(value)));
    }
    void snapshot(std::int64_t checkpoint_id, StateWriter& state) override {
        if (std::string committable = sink_->prepare(checkpoint_id); !committable.empty())
            pending_.emplace_back(checkpoint_id, std::move(committable));
        for (const auto& [id, committable] : pending_) state.list(committable);
    }
    void checkpoint_complete(std::int64_t checkpoint_id) override {
        while (!pending_.empty() && pending_.front().first <= checkpoint_id) {
            sink_->commit(pending_.front().second);
            pending_.erase(pending_.begin());
        }
    }

private:
    std::function<std::unique_ptr<CommitSink>(OperatorContext&)> make_;
    F format_;
    std::unique_ptr<CommitSink> sink_;
    std::vector<std::string> known_;
    std::vector<std::pair<std::int64_t, std::string>> pending_;  // In the order of their checkpoints.
};

template <class K, class T, class State, class Out, class F>
class KeyedProcessOperator final : public FunctionOperator {
public:
    KeyedProcessOperator(std::function<K(const T&)> key_of, F f) : key_of_(std::move(key_of)), f_(std::move(f)) {}
    void restore(const StateReader& state) override {
        state.each_keyed([this](int, std::string_view bytes) {
            for (ByteReader from(bytes); !from.empty();) {
                K key = Serializer<K>::read(from);
                states_.insert_or_assign(std::move(key), Serializer<State>::read(from));
            }
        });
    }
    void process(const void* value, EventTime timestamp) override {
        const T& record = *static_cast<const T*>(value);
        const K key = key_of_(record);
        Collector<Out> out(main(), timestamp);
        call(f_, at(timestamp), key, states_[key], record, out);
    }
    void snapshot(std::int64_t, StateWriter& state) override {
        std::map<int, std::string> groups;
        for (const auto& [key, value] : states_) {
            ByteWriter to(groups[key_group_of(key, context_->info().max_parallelism)]);
            Serializer<K>::write(key, to);
            Serializer<State>::write(value, to);
        }
        for (const auto& [group, bytes] : groups) state.keyed(group, bytes);
    }

private:
    std::function<K(const T&)> key_of_;
    F f_;
    std::unordered_map<K, State, KeyHasher<K>> states_;
};

template <class T, class Parse>
class ParseAdapter final : public SourceAdapter {
public:
    ParseAdapter(Parse parse, std::function<EventTime(const T&)> timestamp)
        : parse_(std::move(parse)), timestamp_(std::move(timestamp)) {}
    void emit(const SourceRecord& record, Output& output) override {
        Stamp stamped(output, timestamp_);
        Collector<T> out(stamped, record.timestamp);
        call_visibly(parse_, record, out);
    }

private:
    // Puts the event's own time in place of the transport's.
    struct Stamp final : Output {
        Stamp(Output& output, const std::function<EventTime(const T&)>& timestamp)
            : output_(output), timestamp_(timestamp) {}
        void emit(const void* value, EventTime timestamp) override {
            output_.emit(value, timestamp_ ? timestamp_(*static_cast<const T*>(value)) : timestamp);
        }
        Output& output_;
        const std::function<EventTime(const T&)>& timestamp_;
    };
    Parse parse_;
    std::function<EventTime(const T&)> timestamp_;
};

template <class T>
struct PlainCodec : EdgeCodec {
    [[nodiscard]] int key_group(const void*, int) const override { return -1; }
    void write(const void* value, ByteWriter& to) const override {
        Serializer<T>::write(*static_cast<const T*>(value), to);
    }
    void read(ByteReader& from, EventTime timestamp, Operator& to) const override {
        const T value = Serializer<T>::read(from);
        to.process(&value, timestamp);
    }
};

template <class K, class T>
struct KeyedCodec final : PlainCodec<T> {
    explicit KeyedCodec(std::function<K(const T&)> key) : key_of(std::move(key)) {}
    [[nodiscard]] int key_group(const void* value, int max_parallelism) const override {
        return key_group_of<K>(key_of(*static_cast<const T*>(value)), max_parallelism);
    }
    std::function<K(const T&)> key_of;
};

template <class T>
concept Serializable = requires(const T& value, ByteWriter& to) { Serializer<T>::write(value, to); };

// A stream of values without a Serializer works as long as it stays within one task; the engine says so when it does
// not.
template <class T>
std::shared_ptr<EdgeCodec> plain_codec() {
    if constexpr (Serializable<T>) return std::make_shared<PlainCodec<T>>();
    return nullptr;
}

template <class Op, class... Arguments>
std::function<std::unique_ptr<Operator>()> maker(Arguments... arguments) {
    return [arguments...] { return std::make_unique<Op>(arguments...); };
}

template <class T>
Node node(std::string name, std::function<std::unique_ptr<Operator>()> make) {
    Node added;
    added.name = std::move(name);
    added.make_operator = std::move(make);
    added.codec = plain_codec<T>();
    return added;
}

template <class K, class T>
Node keyed_node(std::string name, const KeyedStream<K, T>& stream, std::function<std::unique_ptr<Operator>()> make) {
    Node added;
    added.name = std::move(name);
    added.make_operator = std::move(make);
    added.codec = std::make_shared<KeyedCodec<K, T>>(stream.key_of());
    added.stateful = true;
    return added;
}

template <class T, class Parse>
DataStream<T> add_source(Environment& environment, Node node, Parse parse, WatermarkStrategy<T> watermarks) {
    node.stateful = true;
    node.watermarks = {watermarks.max_out_of_orderness_ms, watermarks.idle_timeout_ms};
    std::function<EventTime(const T&)> timestamp;
    if (watermarks.timestamp) timestamp = detail::visible(std::move(watermarks.timestamp));
    node.make_adapter = [parse, timestamp] { return std::make_unique<ParseAdapter<T, Parse>>(parse, timestamp); };
    return {environment, environment.add(std::move(node))};
}

}  // namespace detail

template <class T, class Parse>
DataStream<T> Environment::kafka_source(std::string source_name, KafkaSourceOptions options, Parse parse,
                                        WatermarkStrategy<T> watermarks) {
    Node source;
    source.name = std::move(source_name);
    source.kafka = std::move(options);
    return detail::add_source<T>(*this, std::move(source), std::move(parse), std::move(watermarks));
}

template <class T, class Make>
DataStream<T> Environment::generator_source(std::string source_name, GeneratorOptions options, Make make,
                                            WatermarkStrategy<T> watermarks) {
    Node source;
    source.name = std::move(source_name);
    source.generator = options;
    auto parse = [make](const SourceRecord& record, Collector<T>& out) mutable {
        out.emit(detail::call_visibly(make, record.partition, record.offset));
    };
    return detail::add_source<T>(*this, std::move(source), std::move(parse), std::move(watermarks));
}

template <class T>
template <class F>
auto DataStream<T>::map(std::string name, F f) const {
    using Out = detail::CallResult<F, T>;
    return DataStream<Out>(
        *environment_, add_node(detail::node<T>(std::move(name), detail::maker<detail::MapOperator<T, Out, F>>(f))));
}

template <class T>
template <class Out, class F>
DataStream<Out> DataStream<T>::flat_map(std::string name, F f) const {
    return {*environment_,
            add_node(detail::node<T>(std::move(name), detail::maker<detail::FlatMapOperator<T, Out, F>>(f)))};
}

template <class T>
template <class F>
DataStream<T> DataStream<T>::filter(std::string name, F f) const {
    return {*environment_, add_node(detail::node<T>(std::move(name), detail::maker<detail::FilterOperator<T, F>>(f)))};
}

template <class T>
template <class F>
auto DataStream<T>::key_by(F key_of) const {
    using K = std::remove_cvref_t<std::invoke_result_t<F&, const T&>>;
    DataStream<T> hashed = *this;
    hashed.shipping_ = Shipping::hash;
    return KeyedStream<K, T>(hashed, std::function<K(const T&)>(detail::visible(std::move(key_of))));
}

template <class T>
DataStream<T> DataStream<T>::rebalance() const {
    DataStream<T> spread = *this;
    spread.shipping_ = Shipping::rebalance;
    return spread;
}

template <class T>
template <class Out>
DataStream<Out> DataStream<T>::process_with(std::string name, std::function<std::unique_ptr<Operator>()> make) const {
    Node added = detail::node<T>(std::move(name), std::move(make));
    added.stateful = true;
    return {*environment_, add_node(std::move(added))};
}

template <class T>
template <class F>
void DataStream<T>::sink(std::string name, F f) const {
    add_node(detail::node<T>("Sink: " + std::move(name), detail::maker<detail::SinkOperator<T, F>>(f)));
}

template <class T>
template <class F>
void DataStream<T>::sink_files(std::string name, FileSinkOptions options, F format) const {
    using Make = std::function<std::unique_ptr<CommitSink>(OperatorContext&)>;
    auto line = [format](const T& value, Context& context) mutable {
        return detail::call(format, context, value) + "\n";
    };
    Node added =
        detail::node<T>("Sink: " + std::move(name),
                        detail::maker<detail::CommitSinkOperator<T, decltype(line)>>(
                            Make([options](OperatorContext& context) { return context.file_sink(options); }), line));
    added.stateful = true;
    add_node(std::move(added));
}

template <class T>
template <class F>
void DataStream<T>::sink_with(std::string name, std::function<std::unique_ptr<CommitSink>()> make, F format) const {
    using Make = std::function<std::unique_ptr<CommitSink>(OperatorContext&)>;
    Node added = detail::node<T>(
        "Sink: " + std::move(name),
        detail::maker<detail::CommitSinkOperator<T, F>>(Make([make](OperatorContext&) { return make(); }), format));
    added.stateful = true;
    add_node(std::move(added));
}

template <class K, class T>
template <class State, class Out, class F>
DataStream<Out> KeyedStream<K, T>::process(std::string name, F f) const {
    return {stream_.environment(),
            stream_.add_node(detail::keyed_node(
                std::move(name), *this, detail::maker<detail::KeyedProcessOperator<K, T, State, Out, F>>(key_of_, f)))};
}

template <class K, class T>
template <class Acc, class Out, class Add, class Emit>
WindowResult<Out, T> WindowedStream<K, T>::aggregate(std::string name, Add add, Emit result) const {
    return {keyed_.stream().environment(),
            keyed_.stream().add_node(detail::keyed_node(
                std::move(name), keyed_,
                detail::maker<WindowOperator<K, T, Acc, Out, Add, Emit>>(keyed_.key_of(), window_, add, result)))};
}

}  // namespace medic::engine::flow
