// SPDX-License-Identifier: Apache-2.0
#include "otlp_span.h"

#include "otlp_attributes.h"
#include "otlp_fields.h"
#include "otlp_values.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::size_t small = 1;  ///< any size of one digit

/// Right to its number of digits for spans as they usually are. Without attributes, events and links they have less
/// than 128 bytes; each of those takes some 20 bytes in a record and in a message.
std::size_t size_guess(const SpanRecord& record) noexcept {
  return record.size_bytes() <= sizeof(SpanHeader) + 48 ? small : record.size_bytes();
}

/// Exactly its bytes, or nothing: receivers refuse ids of zeros.
template <std::size_t size>
void add_id(FieldCursor& message, FieldNumber field, const Id<size>& id) noexcept {
  if (!id.is_valid()) return;
  message.begin(field, size);
  message.bytes({reinterpret_cast<const char*>(id.bytes), size});
}

void add_count(ProtobufWriter& message, FieldNumber field, std::uint32_t count) {
  if (count != 0) message.add_uint32(field, count);
}

class SpanWriter {
 public:
  SpanWriter(ByteBuffer& out, ByteBuffer& scratch) noexcept : out_{out}, scratch_{scratch} {}

  void write(const SpanRecord& record) {
    OpenMessage message{out_, ScopeSpansField::spans, size_guess(record)};
    add_head(record);
    ProtobufWriter span{out_};
    if (record.attribute_count() != 0) add_attributes(span, SpanField::attributes, record.attributes());
    add_count(span, SpanField::dropped_attributes_count, record.dropped_attributes());
    if (record.event_count() != 0) add_events(record);
    add_count(span, SpanField::dropped_events_count, record.dropped_events());
    if (record.link_count() != 0) add_links(record);
    add_count(span, SpanField::dropped_links_count, record.dropped_links());
    if (record.status() != SpanStatus::unset) add_status(span, record);
    span.add_fixed32(SpanField::flags, otlp_flags(record.flags(), record.parent_is_remote()));
    message.close();
  }

 private:
  /// What every span has.
  void add_head(const SpanRecord& record) {
    const Utf8Text trace_state{record.trace_state()};
    const Utf8Text name{record.name()};
    constexpr std::size_t ids_kind_and_times = 18 + 10 + 10 + 2 + 9 + 9;
    FieldCursor head{out_.prepare(ids_kind_and_times + sized_field(trace_state.size()) + sized_field(name.size()))};
    add_id(head, SpanField::trace_id, record.trace_id());
    add_id(head, SpanField::span_id, record.span_id());
    add_text(head, SpanField::trace_state, trace_state);
    add_id(head, SpanField::parent_span_id, record.parent_id());
    add_text(head, SpanField::name, name);
    head.number(SpanField::kind, static_cast<std::uint64_t>(record.kind()));
    head.fixed64(SpanField::start_time_unix_nano, otlp_time(record.start_unix_ns()));
    head.fixed64(SpanField::end_time_unix_nano, otlp_time(record.end_unix_ns()));
    out_.commit(head.end());
  }

  void add_text(FieldCursor& message, FieldNumber field, const Utf8Text& text) {
    if (text.empty()) return;
    message.begin(field, text.size());
    message.bytes(text.in(scratch_));
  }

  void add_attributes(ProtobufWriter& message, FieldNumber field, const RecordedAttributes& attributes) {
    for (const RecordedAttribute& attribute : attributes) {
      AttributeWriter{out_, scratch_}.write(message, field, attribute.key, attribute.value);
    }
  }

  void add_events(const SpanRecord& record) {
    for (const RecordedEvent& recorded : record.events()) {
      OpenMessage message{out_, SpanField::events, small};
      ProtobufWriter event{out_};
      event.add_fixed64(EventField::time_unix_nano, otlp_time(recorded.time_unix_ns));
      detail::add_text(event, EventField::name, recorded.name, scratch_);
      add_attributes(event, EventField::attributes, recorded.attributes);
      add_count(event, EventField::dropped_attributes_count, recorded.dropped_attributes);
      message.close();
    }
  }

  void add_links(const SpanRecord& record) {
    for (const RecordedLink& recorded : record.links()) {
      OpenMessage message{out_, SpanField::links, small};
      FieldCursor ids{out_.prepare(18 + 10)};
      add_id(ids, LinkField::trace_id, recorded.trace_id);
      add_id(ids, LinkField::span_id, recorded.span_id);
      out_.commit(ids.end());
      ProtobufWriter link{out_};
      detail::add_text(link, LinkField::trace_state, recorded.trace_state, scratch_);
      add_attributes(link, LinkField::attributes, recorded.attributes);
      add_count(link, LinkField::dropped_attributes_count, recorded.dropped_attributes);
      link.add_fixed32(LinkField::flags, otlp_flags(recorded.flags, recorded.is_remote));
      message.close();
    }
  }

  void add_status(ProtobufWriter& span, const SpanRecord& record) {
    ProtobufWriter status{span, SpanField::status};
    if (record.status() == SpanStatus::error) {
      detail::add_text(status, StatusField::message, record.status_description(), scratch_);
    }
    status.add_enum(StatusField::code, static_cast<std::int32_t>(record.status()));
  }

  ByteBuffer& out_;
  ByteBuffer& scratch_;
};

}  // namespace

void append_otlp_span(ByteBuffer& out, const SpanRecord& record, ByteBuffer& scratch) {
  SpanWriter{out, scratch}.write(record);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
