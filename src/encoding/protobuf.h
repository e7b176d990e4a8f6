// SPDX-License-Identifier: Apache-2.0
//
// Protobuf's wire format, written into a ByteBuffer. For the encoders of protobuf messages.
#pragma once

#include <bit>
#include <protozero/basic_pbf_writer.hpp>
#include <span>
#include <string_view>

#include "fast_telemetry/encoding/buffer.h"

namespace protozero {

/// How protozero's writer appends to our buffer. Only growing the buffer allocates.
template <>
struct buffer_customization<fast_telemetry::ByteBuffer> {
  using Buffer = fast_telemetry::ByteBuffer;

  static std::size_t size(const Buffer* buffer) noexcept { return buffer->size(); }
  static void append(Buffer* buffer, const char* data, std::size_t count) { buffer->append({data, count}); }
  static void append_zeros(Buffer* buffer, std::size_t count) {
    char* const begin = buffer->prepare(count);
    std::memset(begin, 0, count);
    buffer->commit(begin + count);
  }
  static void resize(Buffer* buffer, std::size_t size) noexcept { buffer->truncate(size); }
  static void reserve_additional(Buffer* buffer, std::size_t size) { buffer->reserve(size); }
  static void erase_range(Buffer* buffer, std::size_t from, std::size_t to) noexcept {
    std::memmove(buffer->data() + from, buffer->data() + to, buffer->size() - to);
    buffer->truncate(buffer->size() - (to - from));
  }
  static char* at_pos(Buffer* buffer, std::size_t position) noexcept { return buffer->data() + position; }
  static void push_back(Buffer* buffer, char c) {
    char* const at = buffer->prepare(1);
    *at = c;
    buffer->commit(at + 1);
  }
};

}  // namespace protozero

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Appends fields; one made from another writes a message that is a field of it, and is left out when it has no fields.
/// Not to be given sizes (begin_message does that): after a message of a known size it takes no more fields (1.7.1).
using ProtobufWriter = protozero::basic_pbf_writer<ByteBuffer>;
using FieldNumber = protozero::pbf_tag_type;

inline void add_bytes(ProtobufWriter& message, FieldNumber field, std::string_view bytes) {
  message.add_bytes(field, bytes.data(), bytes.size());
}

/// What FieldCursor::signed_unless_0 takes when the field's number is below 16.
[[nodiscard]] inline std::size_t signed_field_unless_0(std::int32_t value) noexcept {
  return value == 0 ? 0 : 1 + static_cast<std::size_t>(protozero::length_of_varint(protozero::encode_zigzag32(value)));
}

/// What a field with a length takes, its content included, when its number is below 16.
[[nodiscard]] inline std::size_t sized_field(std::size_t content) noexcept {
  return 1 + static_cast<std::size_t>(protozero::length_of_varint(content)) + content;
}

/// Writes fields into memory that was prepared for them: for what is written most, and whose size is known.
class FieldCursor {
 public:
  explicit FieldCursor(char* at) noexcept : at_{at} {}
  [[nodiscard]] const char* end() const noexcept { return at_; }

  /// The beginning of a field with a length; its content is what is written next.
  void begin(FieldNumber field, std::size_t size) noexcept {
    tag(field, protozero::pbf_wire_type::length_delimited);
    varint(size);
  }
  void bytes(std::string_view bytes) noexcept {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void number(FieldNumber field, std::uint64_t value) noexcept {
    tag(field, protozero::pbf_wire_type::varint);
    varint(value);
  }
  void fixed64(FieldNumber field, std::uint64_t value) noexcept {
    tag(field, protozero::pbf_wire_type::fixed64);
    little_endian(value);
  }
  void real(FieldNumber field, double value) noexcept { fixed64(field, std::bit_cast<std::uint64_t>(value)); }

  // Fields whose default is left out, which is how it reads then.
  void fixed64_unless_0(FieldNumber field, std::uint64_t value) noexcept {
    if (value != 0) fixed64(field, value);
  }
  void signed_unless_0(FieldNumber field, std::int32_t value) noexcept {
    if (value != 0) number(field, protozero::encode_zigzag32(value));
  }

  // Packed, as the content of a field that was begun.
  void fixed64s(std::span<const std::uint64_t> values) noexcept {
    for (const std::uint64_t value : values) little_endian(value);
  }
  void reals(std::span<const double> values) noexcept {
    for (const double value : values) little_endian(std::bit_cast<std::uint64_t>(value));
  }
  void varints(std::span<const std::uint64_t> values) noexcept {
    for (const std::uint64_t value : values) varint(value);
  }

 private:
  void little_endian(std::uint64_t value) noexcept {
    for (unsigned shift = 0; shift < 64; shift += 8) *at_++ = static_cast<char>(value >> shift);  // one store
  }
  void tag(FieldNumber field, protozero::pbf_wire_type type) noexcept {
    varint(field << 3U | static_cast<FieldNumber>(type));
  }
  void varint(std::uint64_t value) noexcept { at_ += protozero::add_varint_to_buffer(at_, value); }

  char* at_;
};

/// The beginning of a message of `size` bytes, which the caller appends next.
inline void begin_message(ByteBuffer& out, FieldNumber field, std::size_t size) {
  FieldCursor cursor{out.prepare(20)};
  cursor.begin(field, size);
  out.commit(cursor.end());
}

/// A message that is a field of what is being written into `out`. With the size guessed right to its number of digits,
/// its bytes stay where they were written: to move what was just written is to wait for the processor's store buffer.
class OpenMessage {
 public:
  OpenMessage(ByteBuffer& out, FieldNumber field, std::size_t size_guess) : out_{out}, digits_{digits_of(size_guess)} {
    begin_message(out_, field, size_guess);
    content_ = out_.size();
  }

  /// After its last field. No destructor does it, because it may have to make room.
  void close() {
    const std::size_t size = out_.size() - content_;
    if (digits_of(size) != digits_) [[unlikely]]
      move_content(digits_of(size), size);
    protozero::add_varint_to_buffer(out_.data() + content_ - digits_, size);
  }

  OpenMessage(const OpenMessage&) = delete;
  OpenMessage& operator=(const OpenMessage&) = delete;

 private:
  [[nodiscard]] static std::size_t digits_of(std::size_t size) noexcept {
    return static_cast<std::size_t>(protozero::length_of_varint(size));
  }

  void move_content(std::size_t digits, std::size_t size) {
    if (digits > digits_) out_.reserve(digits - digits_);
    char* const content = out_.data() + content_;
    std::memmove(content + digits - digits_, content, size);
    out_.commit(content + digits - digits_ + size);
    content_ += digits - digits_;
    digits_ = digits;
  }

  ByteBuffer& out_;
  std::size_t digits_;   ///< of the size, which stands before the content
  std::size_t content_;  ///< where that begins
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
