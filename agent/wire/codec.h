// The scheme of all messages: a message is a plain struct whose one `void fields(Codec&)` names its fields in wire
// order, each with the versions that have it. An Encoder writes them, a Decoder reads them, tests fill them: a
// description is never written twice, so reading and writing can't disagree.
//
//     void Topic::fields(Codec& c) {
//         c(error);
//         c(name, since(0).nullable_since(12));   // std::optional: null on the wire
//         c(topic_id, since(10));
//         c(partitions);                          // std::vector of structs or primitives
//         c.tagged(0, leader, since(12));         // absent when the optional or vector is empty
//     }
//
// A field that a version lacks is skipped on writing and keeps its default on reading; where its loss would change what
// a message means (Kafka's fields that are not `ignorable`), writing fails unless it says what its absence says:
//
//     c(election_type, since(1).or_only(preferred));
//
// Flexible versions (compact lengths, tagged fields) follow from the API's line in api.cc; unknown tagged fields are
// skipped. Two forms of one thing (`key` and `keys`) are no loss: senders fill both, each version takes its own.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "agent/wire/bytes.h"
#include "agent/wire/kafka_error.h"

namespace medic::wire {

// The versions that carry a field, and from which on it may be null (only for std::optional fields).
struct Versions {
    std::int16_t first = 0;
    std::int16_t last = INT16_MAX;
    std::int16_t null_first = 0;
    // Versions without the field mean this by it and can say nothing else; nullopt: its loss does no harm. A text, a
    // list, an id or an optional that is absent is empty.
    std::optional<std::int64_t> only;

    [[nodiscard]] constexpr bool has(std::int16_t version) const { return version >= first && version <= last; }
    [[nodiscard]] constexpr Versions nullable_since(std::int16_t version) const { return {first, last, version, only}; }
    [[nodiscard]] constexpr Versions or_only(std::int64_t value) const { return {first, last, null_first, value}; }
    [[nodiscard]] constexpr Versions or_empty() const { return or_only(0); }
};
constexpr Versions since(std::int16_t version) { return {version, INT16_MAX, 0, std::nullopt}; }
constexpr Versions between(std::int16_t first, std::int16_t last) { return {first, last, 0, std::nullopt}; }

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

class Codec {
public:
    Codec(std::int16_t version, bool flexible) : version_(version), flexible_(flexible) {}
    Codec(const Codec&) = delete;
    Codec& operator=(const Codec&) = delete;
    virtual ~Codec() = default;

    [[nodiscard]] std::int16_t version() const { return version_; }
    [[nodiscard]] bool flexible() const { return flexible_; }

    template <class T>
    void operator()(T& field, Versions versions = {}) {
        if (versions.has(version_))
            value(field, version_ >= versions.null_first);
        else if (versions.only && !says(field, *versions.only))
            on_lost(versions);
    }

    // BYTES rather than STRING: a four-byte length in versions that are not flexible.
    void bytes(Bytes& field, Versions versions = {}) {
        if (versions.has(version_)) on_bytes(field);
    }
    void bytes(std::optional<Bytes>& field, Versions versions = {}) {
        if (versions.has(version_)) on_nullable_bytes(field);
    }
    // RECORDS: a view into the decoded frame (or into whatever the sender keeps alive), never copied on reading.
    void records(std::optional<BytesView>& field, Versions versions = {}) {
        if (versions.has(version_)) on_records(field);
    }

    // An optional or vector in the tagged section; call after all plain fields, in ascending order of tags. A text with
    // nullable_since() may be there and yet null.
    template <class T>
        requires(is_optional<T> || is_vector<T>)
    void tagged(std::uint32_t tag, T& field, Versions versions) {
        if (!flexible_ || !versions.has(version_)) return;
        TagScope scope;
        if (!begin_tag(tag, has_value(field), scope)) return;
        if constexpr (is_vector<T>) {
            value(field, false);
        } else if constexpr (std::same_as<T, std::optional<std::string>>) {
            value(field, versions.null_first > 0);
        } else {
            if (!field) field.emplace();
            value(*field, false);
        }
        end_tag(tag, scope);
    }

    // A struct with its own tagged section: every element of an array, and the message itself.
    template <class T>
    void structure(T& fields_of) {
        TagFrame frame;
        TagFrame* const outer = std::exchange(tags_, &frame);
        fields_of.fields(*this);
        if (flexible_) end_structure();
        tags_ = outer;
    }

protected:
    struct TagFrame {  // The tagged section of one struct.
        bool opened = false;
        std::uint32_t count = 0;
        Bytes encoded;
        std::vector<std::pair<std::uint32_t, BytesView>> read;
    };
    struct TagScope {  // What begin_tag set aside until end_tag.
        Bytes encoded;
        std::optional<Reader> reader;
    };
    static constexpr std::int64_t kNull = -1;

    virtual void on(bool& field) = 0;
    virtual void on(std::int8_t& field) = 0;
    virtual void on(std::int16_t& field) = 0;
    virtual void on(std::uint16_t& field) = 0;
    virtual void on(std::int32_t& field) = 0;
    virtual void on(std::int64_t& field) = 0;
    virtual void on(double& field) = 0;
    virtual void on(Uuid& field) = 0;
    virtual void on(std::string& field) = 0;
    virtual void on(std::optional<std::string>& field, bool null_allowed) = 0;
    virtual void on_bytes(Bytes& field) = 0;
    virtual void on_nullable_bytes(std::optional<Bytes>& field) = 0;
    virtual void on_records(std::optional<BytesView>& field) = 0;
    // Takes the length at hand (kNull: null) and returns the length to go through.
    virtual std::int64_t on_array(std::int64_t length, std::size_t element_bytes, bool null_allowed) = 0;
    virtual bool begin_tag(std::uint32_t tag, bool present, TagScope& scope) = 0;
    virtual void end_tag(std::uint32_t tag, TagScope& scope) = 0;
    virtual void end_structure() = 0;
    virtual bool good() const = 0;  // False: stop going through arrays.
    // A field that this version lacks says what the version can't.
    virtual void on_lost(const Versions&) {}

    TagFrame* tags_ = nullptr;

private:
    template <class T>
    static bool has_value(const T& field) {
        if constexpr (is_vector<T>)
            return !field.empty();
        else
            return field.has_value();
    }

    template <class T>
    static bool says(const T& field, std::int64_t number) {
        if constexpr (std::same_as<T, KafkaError> || std::is_arithmetic_v<T>)
            return field == static_cast<T>(number);
        else if constexpr (is_vector<T> || is_optional<T>)
            return !has_value(field);
        else
            return field == T{};
    }

    template <class T>
    void value(T& field, bool null_allowed) {
        if constexpr (std::same_as<T, KafkaError>) {
            auto code = static_cast<std::int16_t>(field);
            on(code);
            field = static_cast<KafkaError>(code);
        } else if constexpr (std::same_as<T, std::optional<std::string>>) {
            on(field, null_allowed);
        } else if constexpr (is_vector<T>) {
            elements(field, on_array(static_cast<std::int64_t>(field.size()), sizeof(typename T::value_type), false));
        } else if constexpr (is_optional<T>) {  // A nullable array.
            using Element = typename T::value_type::value_type;
            const std::int64_t length = field ? static_cast<std::int64_t>(field->size()) : kNull;
            const std::int64_t found = on_array(length, sizeof(Element), null_allowed);
            if (found == kNull) {
                field.reset();
            } else {
                if (!field) field.emplace();
                elements(*field, found);
            }
        } else if constexpr (requires(T& item, Codec& codec) { item.fields(codec); }) {
            structure(field);
        } else {
            on(field);
        }
    }

    template <class T>
    void elements(std::vector<T>& items, std::int64_t length) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(length) && good(); ++i) {
            if (i == items.size()) items.emplace_back();
            value(items[i], false);
        }
    }

    std::int16_t version_;
    bool flexible_;
};

// Writes a message. Fails (invalid) on a null where the version has none, on a string above 32,767 bytes and on what
// the version can't say.
class Encoder final : public Codec {
public:
    Encoder(std::int16_t version, bool flexible, Bytes& out) : Codec(version, flexible), out_(&out) {}
    [[nodiscard]] Status status() const;

protected:
    void on(bool& field) override;
    void on(std::int8_t& field) override;
    void on(std::int16_t& field) override;
    void on(std::uint16_t& field) override;
    void on(std::int32_t& field) override;
    void on(std::int64_t& field) override;
    void on(double& field) override;
    void on(Uuid& field) override;
    void on(std::string& field) override;
    void on(std::optional<std::string>& field, bool null_allowed) override;
    void on_bytes(Bytes& field) override;
    void on_nullable_bytes(std::optional<Bytes>& field) override;
    void on_records(std::optional<BytesView>& field) override;
    std::int64_t on_array(std::int64_t length, std::size_t element_bytes, bool null_allowed) override;
    bool begin_tag(std::uint32_t tag, bool present, TagScope& scope) override;
    void end_tag(std::uint32_t tag, TagScope& scope) override;
    void end_structure() override;
    bool good() const override { return error_.empty(); }
    void on_lost(const Versions& versions) override;

private:
    void string(BytesView text);
    void long_bytes(BytesView bytes);
    void null_bytes();
    Writer out() { return Writer(*out_); }

    Bytes* out_;
    std::string error_;
};

// Reads a message. Strings and arrays may take at most `budget_bytes` of memory in all, however the lengths are chosen.
class Decoder final : public Codec {
public:
    // Metadata of 200,000 partitions takes about 40 MB.
    static constexpr std::size_t kBudgetBytes = 256u << 20;

    Decoder(std::int16_t version, bool flexible, BytesView bytes, std::size_t budget_bytes = kBudgetBytes)
        : Codec(version, flexible), in_(bytes), budget_bytes_(budget_bytes) {}

    [[nodiscard]] Status finish();  // ok, or the first error; bytes left over are an error.
    [[nodiscard]] Status status() const { return in_.status(); }
    [[nodiscard]] BytesView rest() const { return in_.rest(); }

protected:
    void on(bool& field) override;
    void on(std::int8_t& field) override;
    void on(std::int16_t& field) override;
    void on(std::uint16_t& field) override;
    void on(std::int32_t& field) override;
    void on(std::int64_t& field) override;
    void on(double& field) override;
    void on(Uuid& field) override;
    void on(std::string& field) override;
    void on(std::optional<std::string>& field, bool null_allowed) override;
    void on_bytes(Bytes& field) override;
    void on_nullable_bytes(std::optional<Bytes>& field) override;
    void on_records(std::optional<BytesView>& field) override;
    std::int64_t on_array(std::int64_t length, std::size_t element_bytes, bool null_allowed) override;
    bool begin_tag(std::uint32_t tag, bool present, TagScope& scope) override;
    void end_tag(std::uint32_t tag, TagScope& scope) override;
    void end_structure() override;
    bool good() const override { return in_.ok(); }

private:
    enum class Width : std::uint8_t { two_bytes, four_bytes };  // Of a length in versions that are not flexible.
    std::int64_t length(Width width);                           // kNull, or 0 and more.
    std::optional<BytesView> slice(Width width);                // nullopt: null.
    void copy(BytesView from, std::string& to);
    void spend(std::size_t bytes);
    void open_tags();

    Reader in_;
    std::size_t budget_bytes_;
};

}  // namespace medic::wire
