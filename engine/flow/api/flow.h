// The API for jobs: a job is a shared object with one entry, compiled against this header alone (CMake:
// medic_flow_job()).
//
//   MEDIC_FLOW_JOB(environment, parameters) {
//       environment.name("fault-count");
//       environment.kafka_source<Event>("events", {.bootstrap = parameters.require("bootstrap"), .topic = "events",
//                                                  .group_id = "fault-count"},
//                                       parse_event,                                  // void(const SourceRecord&,
//                                       Collector<Event>&)
//                                       {.max_out_of_orderness_ms = 5'000, .idle_timeout_ms = 10'000,
//                                        .timestamp = [](const Event& e) { return e.at_ms; }})
//           .filter("faults", [](const Event& e) { return e.fault; })
//           .key_by([](const Event& e) { return e.server; })
//           .window({.size_ms = 60'000})
//           .aggregate<std::int64_t, Count>("per-minute", [](std::int64_t& n, const Event&) { ++n; },
//               [](const Window<std::string>& w, const std::int64_t& n, Collector<Count>& out) { out.emit({w.key,
//               w.start, n}); })
//           .sink_files("counts", {.directory = parameters.require("output")}, [](const Count& c) { return to_line(c);
//           });
//   }
//
// What holds everywhere
// * A function you pass is copied once per subtask and called from that subtask's thread only: members need no lock,
// and state
//   kept in them is lost with the task. State that must survive lives in windows and in KeyedStream::process.
// * A function may take `Context&` as one more parameter: subtask, watermark, and cancelled(), which anything that
// waits or
//   loops must look at: a task that ignores it keeps the whole job from restarting.
// * An exception from your function fails the task; the report carries its type, text, the stack of the throw, and the
// record.
// * Types that cross key_by or a change of parallelism, keys and state need a Serializer (codec.h); keys need a KeyHash
// (key.h).
// * The first argument of every operator is its name. It is its uid too, by which state is found again after a change
// of the
//   job, unless uid() sets another. Change neither for an operator with state.
#pragma once

#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/flow/api/graph.h"

namespace medic::engine::flow {

// Raised when the objects below change their layout: an artifact built against another version is refused, not run.
inline constexpr int api_version = 1;

class Context {
public:
    explicit Context(OperatorContext& context) : context_(context) {}
    [[nodiscard]] const SubtaskInfo& info() const { return context_.info(); }
    [[nodiscard]] bool cancelled() const { return context_.cancelled(); }
    [[nodiscard]] EventTime watermark() const { return context_.watermark(); }
    [[nodiscard]] EventTime timestamp() const { return timestamp_; }     // Of the record being processed.
    void set_timestamp(EventTime timestamp) { timestamp_ = timestamp; }  // The engine's side.

private:
    OperatorContext& context_;
    EventTime timestamp_ = no_time;
};

// Takes results. Without a time, a result has that of the record (or the last millisecond of the window) it was made
// from.
template <class T>
class Collector {
public:
    Collector(Output& output, EventTime timestamp) : output_(output), timestamp_(timestamp) {}
    void emit(const T& value) { output_.emit(&value, timestamp_); }
    void emit(const T& value, EventTime timestamp) { output_.emit(&value, timestamp); }

private:
    Output& output_;
    EventTime timestamp_;
};

// Where time comes from at a source.
template <class T>
struct WatermarkStrategy {
    std::int64_t max_out_of_orderness_ms =
        0;  // The watermark trails the highest timestamp of each partition by this (and 1 ms).
    std::int64_t idle_timeout_ms = 0;  // A partition silent for so long no longer holds the others back; 0: never.
    std::function<EventTime(const T&)> timestamp = {};  // Unset: the timestamp that came with the record.
};

// "--key value" pairs and single "--flag"s of programArgs.
class Parameters {
public:
    Parameters() = default;
    explicit Parameters(std::map<std::string, std::string> values) : values_(std::move(values)) {}
    [[nodiscard]] std::string get(const std::string& key, std::string fallback) const {
        const auto found = values_.find(key);
        if (found == values_.end()) return fallback;
        return found->second;
    }
    [[nodiscard]] std::int64_t get_number(const std::string& key, std::int64_t fallback) const {
        const auto found = values_.find(key);
        if (found == values_.end()) return fallback;
        std::size_t used = 0;
        const std::int64_t value = std::stoll(found->second, &used);
        if (used != found->second.size())
            throw std::invalid_argument("--" + key + ": expected a number, got '" + found->second + "'");
        return value;
    }
    [[nodiscard]] std::string require(const std::string& key) const {
        const auto found = values_.find(key);
        if (found == values_.end()) throw std::invalid_argument("missing program argument --" + key);
        return found->second;
    }

private:
    std::map<std::string, std::string> values_;
};

template <class T>
class DataStream;
template <class K, class T>
class KeyedStream;
template <class K, class T>
class WindowedStream;

class Environment {
public:
    void name(std::string job_name) { name_ = std::move(job_name); }
    // Defaults of the job; what is given when it is started wins (parallelism, flinkConfiguration).
    void parallelism(int value) { parallelism_ = value; }
    void set(const std::string& key, std::string value) {
        settings_[key] = std::move(value);
    }  // e.g. execution.checkpointing.interval

    // `parse`: void(const SourceRecord&, Collector<T>&): none, one or several values per record.
    template <class T, class Parse>
    DataStream<T> kafka_source(std::string source_name, KafkaSourceOptions options, Parse parse,
                               WatermarkStrategy<T> watermarks = {});
    // `make`: T(int partition, std::int64_t index): the same for the same arguments, or a restored job makes other
    // records.
    template <class T, class Make>
    DataStream<T> generator_source(std::string source_name, GeneratorOptions options, Make make,
                                   WatermarkStrategy<T> watermarks = {});

    // The engine's side.
    int add(Node node) {
        if (node.uid.empty()) node.uid = node.name;
        nodes_.push_back(std::move(node));
        return static_cast<int>(nodes_.size()) - 1;
    }
    [[nodiscard]] Node& node(int index) { return nodes_[static_cast<std::size_t>(index)]; }
    [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
    [[nodiscard]] const std::string& job_name() const { return name_; }
    [[nodiscard]] int job_parallelism() const { return parallelism_; }
    [[nodiscard]] const std::map<std::string, std::string>& settings() const { return settings_; }

private:
    std::string name_ = "flow-job";
    int parallelism_ = 0;
    std::map<std::string, std::string> settings_;
    std::vector<Node> nodes_;
};

template <class T>
class DataStream {
public:
    DataStream(Environment& environment, int node, int tag = 0) : environment_(&environment), node_(node), tag_(tag) {}

    // About the operator just added.
    DataStream& uid(std::string value) { return environment_->node(node_).uid = std::move(value), *this; }
    DataStream& parallelism(int value) { return environment_->node(node_).parallelism = value, *this; }
    DataStream& state_version(int value) { return environment_->node(node_).state_version = value, *this; }
    DataStream& start_new_chain() { return environment_->node(node_).new_chain = true, *this; }

    template <class F>
    auto map(std::string name, F f) const;  // Out(const T&)
    template <class Out, class F>
    DataStream<Out> flat_map(std::string name, F f) const;  // void(const T&, Collector<Out>&)
    template <class F>
    DataStream<T> filter(std::string name, F f) const;  // bool(const T&)
    template <class F>
    auto key_by(F key_of) const;      // K(const T&)
    DataStream<T> rebalance() const;  // Spreads records evenly over the next operator.
    template <class Out>
    DataStream<Out> process_with(std::string name, std::function<std::unique_ptr<Operator>()> make) const;

    template <class F>
    void sink(std::string name, F f) const;  // void(const T&): at least once, unless what it does is idempotent.
    // `format`: std::string(const T&), written as one line. Exactly once: files appear when their checkpoint is
    // complete.
    template <class F>
    void sink_files(std::string name, FileSinkOptions options, F format) const;
    template <class F>
    void sink_with(std::string name, std::function<std::unique_ptr<CommitSink>()> make, F format) const;

    // The engine's side: adds a node that reads this stream.
    int add_node(Node node) const {
        node.input = node_;
        node.input_tag = tag_;
        node.shipping = shipping_;
        return environment_->add(std::move(node));
    }
    [[nodiscard]] Environment& environment() const { return *environment_; }

private:
    Environment* environment_;
    int node_;
    int tag_;
    Shipping shipping_ = Shipping::forward;
};

template <class K, class T>
struct KeyedCodec;

struct TumblingWindow {
    std::int64_t size_ms = 60'000;
    // A window fires when the watermark passes its end. A record later than that, but not by more than this, makes the
    // window fire again at once with the new result; a still later one is counted (numLateRecordsDropped) and goes to
    // late().
    std::int64_t allowed_lateness_ms = 0;
};

template <class K>
struct Window {
    K key;
    EventTime start = 0;
    EventTime end = 0;  // Not included.
};

template <class K, class T>
class KeyedStream {
public:
    KeyedStream(DataStream<T> stream, std::function<K(const T&)> key_of)
        : stream_(stream), key_of_(std::move(key_of)) {}

    WindowedStream<K, T> window(TumblingWindow window) const { return {*this, window}; }
    // `f`: void(const K&, State&, const T&, Collector<Out>&). State starts as State{} for a new key, and survives in
    // checkpoints.
    template <class State, class Out, class F>
    DataStream<Out> process(std::string name, F f) const;

    [[nodiscard]] const DataStream<T>& stream() const { return stream_; }
    [[nodiscard]] const std::function<K(const T&)>& key_of() const { return key_of_; }

private:
    DataStream<T> stream_;
    std::function<K(const T&)> key_of_;
};

// What a window emits, and the records that came too late for it.
template <class Out, class T>
class WindowResult : public DataStream<Out> {
public:
    using DataStream<Out>::DataStream;
    WindowResult(Environment& environment, int node)
        : DataStream<Out>(environment, node), late_(environment, node, 1) {}
    [[nodiscard]] DataStream<T> late() const { return late_; }

private:
    DataStream<T> late_;
};

template <class K, class T>
class WindowedStream {
public:
    WindowedStream(KeyedStream<K, T> keyed, TumblingWindow window) : keyed_(std::move(keyed)), window_(window) {}
    // `add`: void(Acc&, const T&); `result`: void(const Window<K>&, const Acc&, Collector<Out>&). Acc starts as Acc{}.
    template <class Acc, class Out, class Add, class Emit>
    WindowResult<Out, T> aggregate(std::string name, Add add, Emit result) const;

private:
    KeyedStream<K, T> keyed_;
    TumblingWindow window_;
};

}  // namespace medic::engine::flow

#include "engine/flow/api/flow_detail.h"

// Opens the entry function of a job: MEDIC_FLOW_JOB(environment, parameters) { … }
#define MEDIC_FLOW_JOB(environment_name, parameters_name)                                               \
    extern "C" int medic_flow_api_version() { return medic::engine::flow::api_version; }                \
    extern "C" void medic_flow_job([[maybe_unused]] medic::engine::flow::Environment& environment_name, \
                                   [[maybe_unused]] const medic::engine::flow::Parameters& parameters_name)
