// Reads codes from pictures: by the browser where it can (BarcodeDetector), else by the decoder of a desk service, whose
// address is in the page. Where there is neither, nothing can be read from pictures, and the page says what to do.
const PICTURE_BYTES = 4 * 1024 * 1024;
const WAIT_MILLISECONDS = 10_000;
const LOOK_MILLISECONDS = 150; // at a camera, by the browser
const ASK_MILLISECONDS = 500; // by the desk service
const LONGEST_SIDE = 1_600;

// The reader of pictures, or null: reader.read(picture) returns the text of a code, or null where there is none in it.
export async function pictureReader(decodeUrl) {
  if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    const read = async (picture) => (await detector.detect(picture))[0]?.rawValue ?? null;
    return { read, pauseMilliseconds: LOOK_MILLISECONDS };
  }
  return decodeUrl ? { read: (picture) => decoded(decodeUrl, picture), pauseMilliseconds: ASK_MILLISECONDS } : null;
}

// The picture in a file that somebody chose; throws if it is none.
export async function pictureIn(file) {
  if (file.size > PICTURE_BYTES) throw new RangeError("larger than 4 MiB");
  return createImageBitmap(file);
}

// Shows the camera in `video` and gives every text that it sees to `found`, until the function that it returns is called.
export async function watch(video, reader, found) {
  const wanted = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: wanted });
  let isOn = true;
  video.srcObject = stream;
  await video.play();
  const look = async () => {
    // A frame that cannot be read, or a desk service that does not answer, is no reason to stop looking.
    const text = await reader.read(video).catch(() => null);
    if (!isOn) return;
    if (text !== null) found(text);
    setTimeout(look, reader.pauseMilliseconds);
  };
  look();
  return () => {
    isOn = false;
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
}

async function decoded(url, picture) {
  const body = await asJpeg(picture);
  const answer = await fetch(url, {
    method: "POST", body, headers: { "Content-Type": "image/jpeg" }, cache: "no-store", credentials: "omit",
    signal: AbortSignal.timeout(WAIT_MILLISECONDS),
  });
  return answer.ok ? (await answer.json()).text : null;
}

// Drawn anew, and not too large: whatever the file was, the desk service gets a plain picture.
async function asJpeg(picture) {
  const width = picture.videoWidth ?? picture.width;
  const height = picture.videoHeight ?? picture.height;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
}
