// The texts in English.

import { date, duration, number, stopwatch, timeOfDay } from "./formats.js";

export const english = {
    language: "en",
    product: "Doorward",
    doorUnknown: "Door",
    skipToDoor: "Skip to the door",

    connection: {
        connecting: "Connecting",
        open: "Ready",
        waiting: "Reconnecting",
        none: "No connection",
        noneYet: "Connecting",
        waitingFor: (milliseconds) => `The door's service is out of reach. Trying again in ${duration(milliseconds)}.`,
        tryingAgain: "The door's service is out of reach. Trying again now.",
    },

    // From outside the house, by the broker that is the meeting point.
    outside: {
        open: "Ready, from outside",
        waitingFor: (milliseconds) => `Trying again in ${duration(milliseconds)}.`,
        tryingAgain: "Trying again now.",
        tampered:
            "Somebody between this page and your door changed what was sent. Nothing of it was taken, and the connection was made anew. " +
            "If it happens again, the broker cannot be trusted.",
        problems: {
            brokerUnreachable: "The meeting point, a broker in the internet, is out of reach.",
            brokerRefused: "The meeting point refuses this page. Open the page once at home to learn its new password.",
            brokerLost: "The connection to the meeting point was lost.",
            doorAway: "The door is not connected to the meeting point. Waiting for it.",
            doorSilent: "The door does not answer at the meeting point.",
            doorLost: "The door lost the connection to this page.",
            impostor: "What answered at the meeting point is not your door. Nothing was told to it.",
            tampered: "Somebody between this page and the door changed what was sent.",
            incomplete: "Something that the door sent got lost on the way.",
            unknownKey: "The door does not know this device any more. Open the page once at home, or ask for a new invitation.",
            refused: "The door does not let this device in.",
            badLink: "This link is not whole. Copy it once more, to its end.",
            unsupported: "This browser cannot keep the keys that are needed outside the house. A newer one can, over https.",
        },
    },

    stage: {
        label: "The door",
        picture: "Live picture from the door",
        calling: "Calling the door",
        connecting: "Opening the picture",
        live: "Live",
        soundOnly: "Sound only",
        soundOnlyHint: "The door has no camera. You can listen and talk.",
        interrupted: "The picture stopped",
        interruptedHint: "The connection to the door is weak. Waiting for it to come back.",
        restartingHint: "The connection to the door is lost. Looking for another way to it.",
        frozenHint: "No new picture is arriving. Waiting for it to come back.",
        signallingLostHint: "The door's service is out of reach. Calling again as soon as it answers.",
        retrying: "Calling the door again",
        retryingIn: (milliseconds) => `Next try in ${duration(milliseconds)}.`,
        ended: "Call ended",
        failed: "No picture",
        elapsed: (milliseconds) => stopwatch(milliseconds),
        endsIn: (milliseconds) => `Ends in ${duration(milliseconds)}`,
    },

    // Why a call is over, by the reason of `call-hangup` or by what this page saw.
    reasons: {
        hangup: (by) => (by ? `${by} ended the call.` : "The door ended the call."),
        unanswered: "Nobody answered.",
        rejected: "Everybody declined.",
        max_duration: (by, limit) =>
            limit > 0 ? `The call reached its limit of ${duration(limit)}.` : "The call reached its time limit.",
        peer_failed: "The connection to the door did not come about.",
        connection_lost: "The connection to the door broke.",
        notRecovered: "The connection to the door broke and did not come back within a minute. Check the network, then try again.",
        shutdown: "The door's service was stopped.",
        recipient_offline: "The door is not there. Its service runs, but the door did not join.",
        not_allowed: "This page is not allowed to call the door.",
        negotiation_failed: "The door and this browser could not agree on a picture format.",
        already_answered: "Somebody else answered first.",
        unknown_call: "That ring was over already.",
        answeredBy: (by) => `${by} answered.`,
        noAnswer: "The door did not answer.",
        noConnection: "No way to the door was found through this network.",
        frozen: "No picture arrived any more.",
        signallingLost: "The connection to the door's service was lost.",
        unsupported: "This browser has no WebRTC, which the picture needs.",
        other: "The call ended.",
    },

    actions: {
        watch: "See the door",
        watchAgain: "See the door again",
        tryAgain: "Try again",
        cancel: "Cancel",
        hangUp: "Hang up",
        talk: "Talk",
        holdToTalk: "Hold to talk",
        asking: "Allow…",
        mute: "Mute",
        unmute: "Unmute",
        soundOff: "Sound off",
        soundOn: "Sound on",
        fullScreen: "Enlarge",
        leaveFullScreen: "Shrink",
        controls: "Call controls",
        dismiss: "Dismiss",
    },

    talking: {
        on: "The door hears you.",
        muted: "You are muted.",
        asking: "Your browser asks whether this page may use the microphone.",
        insecure: (address) =>
            "You can see and hear, but not talk: browsers give the microphone only to pages " +
            `opened over https or on localhost, and this one is ${address}.`,
        denied:
            "The microphone is blocked for this page. Allow it in the browser's site settings, " +
            "next to the address, then press Talk again.",
        dismissed: "The question about the microphone was closed. Press Talk to be asked again.",
        missing: "No microphone was found on this device. Connect one and press Talk again.",
        busy: "The microphone is in use by another program, or the system refused it.",
        lost: "The microphone was disconnected.",
        other: "The microphone could not be opened.",
    },

    sound: {
        unblock: "Turn on the sound",
        volume: "Door volume",
    },

    devices: {
        "camera:test-card": "No camera found: showing a test picture.",
        "camera:none": "No camera at the door.",
        "microphone:tone": "No microphone at the door: you hear a test tone.",
        "microphone:none": "No microphone at the door: you cannot hear it.",
        "speaker:none": "No speaker at the door: nobody there can hear you.",
        label: "About the door's devices",
    },

    ring: {
        title: (from) => `${from} is ringing`,
        tabTitle: (from) => `🔔 ${from} is ringing`,
        when: (at, ago) => `${timeOfDay(at)}, ${ago < 1500 ? "just now" : `${duration(ago)} ago`}`,
        left: (milliseconds) => `${duration(milliseconds)} left to answer`,
        accept: "Accept",
        decline: "Decline",
        acceptHint: "Accepting opens your microphone.",
        watchingHint: "You are already watching. Accepting opens your microphone.",
        silent: "Silent, because your browser allows no sound yet. Touch anywhere to hear the ring.",
        locked: "Your browser lets this page ring aloud only after you touch it once.",
        unlock: "Let it ring aloud",
    },

    visits: {
        heading: "Visits",
        none: "No ring since this page was opened.",
        ringing: "Ringing now",
        missed: (at) => `Missed ring at ${timeOfDay(at)}`,
        declined: (at) => `You declined at ${timeOfDay(at)}`,
        rejected: (at) => `Everybody declined at ${timeOfDay(at)}`,
        accepted: (at) => `You answered at ${timeOfDay(at)}`,
        answered: (at, by) => `Answered by ${by} at ${timeOfDay(at)}`,
        lost: (at) => `Rang at ${timeOfDay(at)}, then the connection was lost`,
        over: (at) => `Rang at ${timeOfDay(at)}`,
        clear: "Clear the list",
        missedMeanwhile: (times) =>
            times.length === 1
                ? `Somebody rang at ${timeOfDay(times[0])}, and nobody answered.`
                : `Somebody rang ${times.length} times, at last at ${timeOfDay(times.at(-1))}, and nobody answered.`,
        seen: "Seen",
    },

    door: {
        heading: "At the door",
        unlock: "Open the door",
        isOpen: "The door is open",
        lightOn: "Light on",
        lightOff: "Light off",
        snapshot: "Save the picture",
        smallWindow: "Small window",
        backToPage: "Back to the page",
        problems: {
            not_allowed: "You may not do that.",
            not_configured: "The door has no such thing.",
            too_fast: "That was too often. Wait a moment.",
            failed: "The door could not do that.",
        },
    },

    chat: {
        heading: "Chat",
        label: "Message",
        recipient: "To",
        all: "Everybody",
        send: "Send",
        youTo: (name) => `you to ${name}`,
        onlyYou: "only to you",
        at: timeOfDay,
        states: {
            sending: "sending",
            recipient_offline: "not delivered: no longer in the call",
            too_fast: "not sent: too many messages",
            failed: "not delivered",
        },
    },

    members: {
        heading: "In the call",
        showCamera: "Show yourself",
        hideCamera: "Hide yourself",
        cameraOf: (name) => `Camera of ${name}`,
        talking: "talking",
        listening: "listening",
        microphoneOn: "microphone on",
        connecting: "connecting",
        unreachable: "cannot be heard",
        away: "connection lost",
        insecure: "Browsers give the camera only to pages opened over https or on localhost.",
        denied: "The camera is blocked for this page. Allow it in the browser's site settings.",
        missing: "No camera could be opened on this device.",
    },

    people: {
        heading: "Who is here",
        you: "you",
        watching: "watching",
        here: "here",
        somebody: "Somebody",
    },

    signIn: {
        first: {
            title: "Set up this door",
            text: "Nobody has paired with this door yet. Enter the code from its log, or from the command “doorward pair”.",
            submit: "Pair this device",
        },
        known: {
            title: "Sign in",
            text: "Ask the owner for an invitation, and open its link on this device. If the door is yours, run “doorward pair” on it and enter the code.",
            submit: "Sign in",
        },
        invited: {
            title: "You are invited",
            text: "With this you see the door, hear it ring and talk to visitors. The invitation is used up as soon as you come in.",
            submit: "Come in",
        },
        elsewhere: {
            title: "No door yet",
            text: "This page reaches a door from anywhere, once it was let in. Ask the owner for an invitation, and open its link in this browser.",
        },
        name: "Your name",
        code: "Code",
        errors: {
            wrong_code: "This code is not valid, or no longer. Each works once, and for a quarter of an hour.",
            wrong_invitation: "This invitation has been used, or it is too old. Ask for another.",
            invitation_used: "This invitation has been used, or it is too old. Ask for another.",
            bad_name: "Enter a name of at most 64 characters.",
            name_wanted: "Enter your name, too.",
            unreachable: "The door's service is out of reach.",
            other: "That did not work.",
        },
    },

    household: {
        heading: "Household",
        me: (name, role) => `You are ${name}, ${role}.`,
        roles: { owner: "owner", member: "member", guest: "guest", program: "a program" },
        roleChoices: { member: "Member: sees and talks", guest: "Guest: sees and talks until a day", owner: "Owner: also invites and removes" },
        guestUntil: (at) => `guest until ${date(at)}`,
        signOut: "Sign out",
        manage: "People and devices",
        people: "Everybody in the household",
        invitations: "Invitations not used yet",
        programs: "Programs",
        thisDevice: "this device",
        used: (at) => `last used ${date(at)}`,
        neverUsed: "never used",
        invited: (role) => `invited as ${role}`,
        invitedDevice: "another device",
        remove: (name) => `Remove ${name}`,
        takeBack: (name) => `Take back the invitation for ${name}`,
        signDeviceOut: (device, name) => `Sign out ${device} of ${name}`,
        removeShort: "Remove",
        signOutShort: "Sign out",
        sure: "Really?",
        invite: "Invite somebody",
        inviteName: "Their name",
        inviteRole: "They are a",
        inviteUntil: "Last day",
        inviteDevice: "Another device of mine",
        makeLink: "Make a link",
        linkHint: "Send this link to whom it is for, or let them scan it. It works once, for a week, and is not shown again.",
        program: "Let a program in",
        programName: "Its name",
        makeToken: "Make a token",
        tokenHint: "Give this token to the program. It is not shown again.",
        secret: "Link or token",
        copy: "Copy",
        copied: "Copied",
        copyYourself: "Press Ctrl+C",
        done: "Done",
        unreachable: "The door's service is out of reach.",
        other: "That did not work.",
    },

    settings: {
        heading: "This page",
        name: "Your name",
        nameHint: "Others see it when you answer.",
        namePlaceholder: "Kitchen tablet",
        pushToTalk: "Talk only while the button is held",
        shortcuts: "Keyboard shortcuts",
        shortcutsHeading: "Shortcuts",
        language: "Language",
        automatic: "As in the browser",
    },

    shortcuts: {
        watch: ["W", "See the door"],
        talk: ["M", "Talk, mute, unmute"],
        sound: ["S", "Door sound on or off"],
        fullScreen: ["F", "Full screen"],
        hangUp: ["H", "Hang up"],
        accept: ["Enter", "Accept a ring"],
        decline: ["Esc", "Decline a ring"],
    },

    // The page that tells how a device comes to trust the door (certificate.html).
    certificate: {
        heading: "Make this device trust your door",
        why:
            "Browsers give the microphone only to pages that are encrypted (https). Your door encrypts with a certificate " +
            "that it made itself, so each phone, tablet and computer has to be told once that the certificate is yours.",
        ownHeading: "Your door is at its encrypted address",
        ownWhy: "Browsers give the microphone only to pages that are encrypted (https), so the door's page is served only so.",
        download: "Get the certificate",
        onward: "Go on without it",
        waiting: "This page goes on to the door by itself as soon as this device trusts it.",
        trusted: "This device trusts your door. Going there now.",
        code: "For a phone: scan this, then follow the steps there.",
        codeAlternative: "QR code with the address of this page",
        stepsHeading: "How to install it",
        fingerprintHeading: "Is it really your door's?",
        fingerprintWhy:
            "Somebody in your network could have changed this page on its way. So compare what your device shows as the " +
            "certificate's fingerprint (SHA-256) with the one in the door's log. It should be this:",
        limits: "The certificate vouches for addresses in your home and for this door's own names, and for no other site.",
        platforms: {
            ios: {
                title: "iPhone and iPad",
                steps: [
                    "Open this page in Safari, press “Get the certificate”, and allow the download.",
                    "In Settings, at the top, press “Profile Downloaded”, then Install, and enter your code.",
                    "In Settings, General, About, Certificate Trust Settings: switch on the door's certificate.",
                    "Come back to this page.",
                ],
            },
            android: {
                title: "Android",
                steps: [
                    "Press “Get the certificate”; the file goes to your downloads.",
                    "In Settings, search for “CA certificate” (it is under Security, Encryption and credentials, Install a certificate).",
                    "Choose CA certificate, press “Install anyway”, and pick the file.",
                    "Come back to this page, in Chrome. Firefox: in its settings, About Firefox, press the logo five times; then, under Secret settings, switch on “Use third party CA certificates”.",
                ],
            },
            windows: {
                title: "Windows (Chrome, Edge)",
                steps: [
                    "Press “Get the certificate” and open the file.",
                    "Press “Install Certificate…”, choose Current User, and Next.",
                    "Choose “Place all certificates in the following store”, Browse, “Trusted Root Certification Authorities”.",
                    "Finish, say Yes to the question, and start the browser again.",
                ],
            },
            macos: {
                title: "Mac (Safari, Chrome)",
                steps: [
                    "Press “Get the certificate” and open the file: Keychain Access asks where to add it; choose “login”.",
                    "In Keychain Access, open the certificate whose name begins with Doorward.",
                    "Under Trust, set “When using this certificate” to “Always Trust”, and close the window.",
                ],
            },
            linux: {
                title: "Linux (Chrome, Chromium)",
                steps: [
                    "Press “Get the certificate”.",
                    "Open chrome://certificate-manager, then Your certificates or Local certificates, Installed by you, Trusted certificates, Import.",
                    "Pick the file, and say that it may identify websites.",
                ],
            },
            firefox: {
                title: "Firefox on a computer",
                steps: [
                    "Press “Get the certificate”. If Firefox asks what to trust it for: websites; then it is done.",
                    "Otherwise, in Settings, search for “certificates”, press View Certificates, Authorities, Import, and pick the file.",
                    "Tick “Trust this CA to identify websites”.",
                ],
            },
        },
    },

    statistics: {
        heading: "Statistics",
        none: "Shown during a call.",
        picture: "Picture",
        frameRate: "Frames",
        bitrate: "Bitrate",
        roundTrip: "Round trip",
        loss: "Packets lost",
        buffer: "Buffered",
        codec: "Codecs",
        path: "Path",
        startup: "First picture",
        unknown: "–",
        size: (width, height) => `${width} × ${height}`,
        framesPerSecond: (rate) => `${Math.round(rate)} fps`,
        bitsPerSecond: (bits) => (bits >= 1e6 ? `${number(bits / 1e6, 1)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`),
        milliseconds: (value) => `${Math.round(value)} ms`,
        percent: (share) => `${number(share * 100, share > 0 && share < 0.1 ? 2 : 1)} %`,
    },
};
