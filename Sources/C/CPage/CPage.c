// The compiler reads the files as they are (#embed), and SwiftPM makes this anew when one of them has changed: it knows them as it does
// headers. As arrays of Swift (SwiftPM's .embedInCode) they took most of a minute to compile.
#include "CPage.h"

// C23, which clang has in each of its languages; it would warn of that
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t api_js[] = {
#embed "../../Web/Page/api.js"
};
static const uint8_t app_js[] = {
#embed "../../Web/Page/app.js"
};
static const uint8_t call_js[] = {
#embed "../../Web/Page/call.js"
};
static const uint8_t camera_js[] = {
#embed "../../Web/Page/camera.js"
};
static const uint8_t certificate_html[] = {
#embed "../../Web/Page/certificate.html"
};
static const uint8_t certificate_js[] = {
#embed "../../Web/Page/certificate.js"
};
static const uint8_t chat_js[] = {
#embed "../../Web/Page/chat.js"
};
static const uint8_t conversation_js[] = {
#embed "../../Web/Page/conversation.js"
};
static const uint8_t door_settings_js[] = {
#embed "../../Web/Page/door-settings.js"
};
static const uint8_t encoding_js[] = {
#embed "../../Web/Page/encoding.js"
};
static const uint8_t english_js[] = {
#embed "../../Web/Page/english.js"
};
static const uint8_t enrolment_js[] = {
#embed "../../Web/Page/enrolment.js"
};
static const uint8_t formats_js[] = {
#embed "../../Web/Page/formats.js"
};
static const uint8_t german_js[] = {
#embed "../../Web/Page/german.js"
};
static const uint8_t household_css[] = {
#embed "../../Web/Page/household.css"
};
static const uint8_t household_js[] = {
#embed "../../Web/Page/household.js"
};
static const uint8_t icon_svg[] = {
#embed "../../Web/Page/icon.svg"
};
static const uint8_t index_html[] = {
#embed "../../Web/Page/index.html"
};
static const uint8_t intercom_view_js[] = {
#embed "../../Web/Page/intercom-view.js"
};
static const uint8_t intercom_js[] = {
#embed "../../Web/Page/intercom.js"
};
static const uint8_t language_js[] = {
#embed "../../Web/Page/language.js"
};
static const uint8_t link_js[] = {
#embed "../../Web/Page/link.js"
};
static const uint8_t manifest_webmanifest[] = {
#embed "../../Web/Page/manifest.webmanifest"
};
static const uint8_t meeting_js[] = {
#embed "../../Web/Page/meeting.js"
};
static const uint8_t members_js[] = {
#embed "../../Web/Page/members.js"
};
static const uint8_t mesh_js[] = {
#embed "../../Web/Page/mesh.js"
};
static const uint8_t microphone_js[] = {
#embed "../../Web/Page/microphone.js"
};
static const uint8_t mqtt_packets_js[] = {
#embed "../../Web/Page/mqtt-packets.js"
};
static const uint8_t mqtt_js[] = {
#embed "../../Web/Page/mqtt.js"
};
static const uint8_t noise_js[] = {
#embed "../../Web/Page/noise.js"
};
static const uint8_t panels_js[] = {
#embed "../../Web/Page/panels.js"
};
static const uint8_t picture_js[] = {
#embed "../../Web/Page/picture.js"
};
static const uint8_t recovery_js[] = {
#embed "../../Web/Page/recovery.js"
};
static const uint8_t resumption_js[] = {
#embed "../../Web/Page/resumption.js"
};
static const uint8_t ring_dialog_js[] = {
#embed "../../Web/Page/ring-dialog.js"
};
static const uint8_t ring_js[] = {
#embed "../../Web/Page/ring.js"
};
static const uint8_t ringer_js[] = {
#embed "../../Web/Page/ringer.js"
};
static const uint8_t session_js[] = {
#embed "../../Web/Page/session.js"
};
static const uint8_t shortcuts_js[] = {
#embed "../../Web/Page/shortcuts.js"
};
static const uint8_t sign_in_js[] = {
#embed "../../Web/Page/sign-in.js"
};
static const uint8_t signalling_js[] = {
#embed "../../Web/Page/signalling.js"
};
static const uint8_t small_window_js[] = {
#embed "../../Web/Page/small-window.js"
};
static const uint8_t snapshot_js[] = {
#embed "../../Web/Page/snapshot.js"
};
static const uint8_t start_js[] = {
#embed "../../Web/Page/start.js"
};
static const uint8_t statistics_js[] = {
#embed "../../Web/Page/statistics.js"
};
static const uint8_t strings_js[] = {
#embed "../../Web/Page/strings.js"
};
static const uint8_t style_css[] = {
#embed "../../Web/Page/style.css"
};
static const uint8_t talk_button_js[] = {
#embed "../../Web/Page/talk-button.js"
};
static const uint8_t ticker_js[] = {
#embed "../../Web/Page/ticker.js"
};
static const uint8_t timeline_js[] = {
#embed "../../Web/Page/timeline.js"
};
static const uint8_t view_js[] = {
#embed "../../Web/Page/view.js"
};
static const uint8_t viewer_js[] = {
#embed "../../Web/Page/viewer.js"
};
static const uint8_t visits_js[] = {
#embed "../../Web/Page/visits.js"
};
static const uint8_t wake_lock_js[] = {
#embed "../../Web/Page/wake-lock.js"
};
static const uint8_t ways_js[] = {
#embed "../../Web/Page/ways.js"
};
static const uint8_t worker_js[] = {
#embed "../../Web/Page/worker.js"
};

// Every file of Sources/Web/Page, under the name that it is asked by. A new file needs its line here, and above.
static const struct page_file files[] = {
    {"api.js", api_js, sizeof api_js},
    {"app.js", app_js, sizeof app_js},
    {"call.js", call_js, sizeof call_js},
    {"camera.js", camera_js, sizeof camera_js},
    {"certificate.html", certificate_html, sizeof certificate_html},
    {"certificate.js", certificate_js, sizeof certificate_js},
    {"chat.js", chat_js, sizeof chat_js},
    {"conversation.js", conversation_js, sizeof conversation_js},
    {"door-settings.js", door_settings_js, sizeof door_settings_js},
    {"encoding.js", encoding_js, sizeof encoding_js},
    {"english.js", english_js, sizeof english_js},
    {"enrolment.js", enrolment_js, sizeof enrolment_js},
    {"formats.js", formats_js, sizeof formats_js},
    {"german.js", german_js, sizeof german_js},
    {"household.css", household_css, sizeof household_css},
    {"household.js", household_js, sizeof household_js},
    {"icon.svg", icon_svg, sizeof icon_svg},
    {"index.html", index_html, sizeof index_html},
    {"intercom-view.js", intercom_view_js, sizeof intercom_view_js},
    {"intercom.js", intercom_js, sizeof intercom_js},
    {"language.js", language_js, sizeof language_js},
    {"link.js", link_js, sizeof link_js},
    {"manifest.webmanifest", manifest_webmanifest, sizeof manifest_webmanifest},
    {"meeting.js", meeting_js, sizeof meeting_js},
    {"members.js", members_js, sizeof members_js},
    {"mesh.js", mesh_js, sizeof mesh_js},
    {"microphone.js", microphone_js, sizeof microphone_js},
    {"mqtt-packets.js", mqtt_packets_js, sizeof mqtt_packets_js},
    {"mqtt.js", mqtt_js, sizeof mqtt_js},
    {"noise.js", noise_js, sizeof noise_js},
    {"panels.js", panels_js, sizeof panels_js},
    {"picture.js", picture_js, sizeof picture_js},
    {"recovery.js", recovery_js, sizeof recovery_js},
    {"resumption.js", resumption_js, sizeof resumption_js},
    {"ring-dialog.js", ring_dialog_js, sizeof ring_dialog_js},
    {"ring.js", ring_js, sizeof ring_js},
    {"ringer.js", ringer_js, sizeof ringer_js},
    {"session.js", session_js, sizeof session_js},
    {"shortcuts.js", shortcuts_js, sizeof shortcuts_js},
    {"sign-in.js", sign_in_js, sizeof sign_in_js},
    {"signalling.js", signalling_js, sizeof signalling_js},
    {"small-window.js", small_window_js, sizeof small_window_js},
    {"snapshot.js", snapshot_js, sizeof snapshot_js},
    {"start.js", start_js, sizeof start_js},
    {"statistics.js", statistics_js, sizeof statistics_js},
    {"strings.js", strings_js, sizeof strings_js},
    {"style.css", style_css, sizeof style_css},
    {"talk-button.js", talk_button_js, sizeof talk_button_js},
    {"ticker.js", ticker_js, sizeof ticker_js},
    {"timeline.js", timeline_js, sizeof timeline_js},
    {"view.js", view_js, sizeof view_js},
    {"viewer.js", viewer_js, sizeof viewer_js},
    {"visits.js", visits_js, sizeof visits_js},
    {"wake-lock.js", wake_lock_js, sizeof wake_lock_js},
    {"ways.js", ways_js, sizeof ways_js},
    {"worker.js", worker_js, sizeof worker_js},
};

const struct page_file *page_files(void) { return files; }
size_t page_file_count(void) { return sizeof files / sizeof files[0]; }
